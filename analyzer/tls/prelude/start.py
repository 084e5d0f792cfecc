"""Where TLS begins in each direction, and what was said in clear before it.

The walk over :data:`~analyzer.tls.prelude.upgrades.UPGRADES` is the same for all protocols. Nothing here
looks at a port.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from analyzer.tcp.reassembly import Stream
from analyzer.tls.prelude import replies, socks, tds
from analyzer.tls.prelude.in_clear import goes_on
from analyzer.tls.prelude.insisting import insisted
from analyzer.tls.prelude.openings import classify, looks_like_tls
from analyzer.tls.prelude.openvpn import is_openvpn
from analyzer.tls.prelude.proxy_header import PROXY_PROTOCOL, proxy_header
from analyzer.tls.prelude.upgrades import UPGRADES, Upgrade
from analyzer.tls.story import Answer, Prelude, PreludeEnd, Sought

_CLEAR_MOST: Final = 16 << 10  # bytes of each side that a prelude may take
_TEXT_MOST: Final = 200  # characters of the deciding line that are kept

# A record header and the handshake header of a hello behind it (RFC 8446 sections 4 and 5.1).
_CLIENT_HELLO: Final = re.compile(
    rb"\x16\x03[\x00-\x04][\s\S]{2}\x01[\0\x01][\s\S]{2}\x03[\x00-\x04]"
)
_SERVER_START: Final = re.compile(
    rb"\x16\x03[\x00-\x04][\s\S]{2}\x02\0[\s\S]{2}(?:\x03|\x7f)|\x15\x03[\x00-\x04]\0\x02[\x01\x02]"
)


@dataclass(frozen=True, slots=True)
class Start:
    """Where TLS begins in each direction; None where it does not."""

    client: int | None
    server: int | None
    prelude: Prelude | None = None


def find_start(client: Stream, server: Stream) -> Start:
    """Find the first TLS byte of each direction and what was said before it."""
    asked, answered = clear_bytes(client), clear_bytes(server)
    if is_openvpn(asked, answered):
        return Start(None, None)  # what can be read of its packets by chance is no stream of TLS
    client_at = _begin(asked, _CLIENT_HELLO, proxy_header(asked))
    server_at = _begin(answered, _SERVER_START)
    greeted = client_at == 0 and server_at  # to which the client answers by its hello (NATS)
    if not greeted and (client_at == 0 or (client_at is None and server_at == 0)):
        return Start(client_at, server_at)
    prelude = _prelude(client, server, client_at, server_at)
    if prelude is not None and client_at is not None and server_at is None:
        # A server that does not know the header before the hello may answer that at once.
        since = 0 if prelude.protocol == PROXY_PROTOCOL else client.locate(client_at).frame
        prelude = replace(prelude, answer=_answer_in_clear(server, since))
    return Start(client_at, server_at, prelude)


def _answer_in_clear(server: Stream, hello: int) -> Answer | None:
    """What the server said after the client's hello in frame ``hello``."""
    said = clear_bytes(server)
    for begin, mark in zip(server.starts, server.marks, strict=True):
        if mark.frame > hello and begin < len(said):
            return Answer(classify(said[begin:]), mark.frame)
    return None


def clear_bytes(stream: Stream) -> bytes:
    """The first bytes of a direction, up to the first gap and a named bound."""
    if stream.chunks and stream.chunks[0].offset == 0:
        return stream.chunks[0].data[:_CLEAR_MOST]
    return b""


def _begin(data: bytes, pattern: re.Pattern[bytes], at: int = 0) -> int | None:
    """Where TLS begins at ``at`` or behind it."""
    if looks_like_tls(data[at : at + _OPENING]):
        return at
    found = pattern.search(data, at)
    return found.start() if found else None


_OPENING: Final = 8  # bytes by which the beginning of TLS is told


def _prelude(
    client: Stream, server: Stream, client_at: int | None, server_at: int | None
) -> Prelude | None:
    asked, answered = clear_bytes(client)[:client_at], clear_bytes(server)[:server_at]
    begin = proxy_header(asked)
    header, asked = asked[:begin], asked[begin:]
    said = tds.read(asked, answered)
    if said is not None:
        frame = (server.locate(0) if answered else client.locate(begin)).frame
        on = goes_on(client, header + asked, server, answered, frame)
        return Prelude(
            "tds", said.end, frame, said.text, None, said.sought, said.farewell, in_clear=on
        )
    spoken = _commands(asked)
    asking = [(upgrade, ask) for upgrade in UPGRADES if (ask := upgrade.ask.search(spoken))]
    if asking:
        # Several protocols ask by the same word; the form of the answer tells which it is.
        fitting = (pair for pair in asking if pair[0].answer.search(answered))
        greeted = (pair for pair in asking if _greeted(pair[0].protocol, answered))
        upgrade, ask = next(fitting, next(greeted, asking[0]))
        asked_in = client.locate(begin + ask.end() - 1).frame
        begun = (client_at is not None, server_at is not None)
        found = _answer(upgrade, ask, asked_in, server, answered, begun)
        if found.end not in {PreludeEnd.REFUSED, PreludeEnd.NOT_OFFERED}:
            agreed = found.end is PreludeEnd.AGREED and not found.tunnel
            return replace(found, unused=agreed and not _goes_on(client, found.frame))
        on = goes_on(client, header + asked, server, answered, found.frame)
        return replace(found, in_clear=on)
    if client_at is None:
        bare = _insisted(asked, answered, begin, client, server)
        bare = bare or _not_offered(asked, answered, client, server)
        if bare is not None:
            return bare
    if header:
        frame = client.locate(0).frame
        return Prelude(PROXY_PROTOCOL, PreludeEnd.AGREED, frame, _printable(header))
    if client_at is not None:
        frame = client.locate(client_at).frame
        return Prelude("unknown", PreludeEnd.AGREED, frame, _printable(asked or answered))
    refusal = socks.refused(asked, answered)
    if refusal is not None:
        return Prelude("socks", PreludeEnd.REFUSED, server.locate(len(answered) - 1).frame, refusal)
    return None


def _goes_on(client: Stream, agreed: int) -> bool:
    """Whether a client said anything behind frame ``agreed``, as far as captured."""
    return bool(client.gaps) or any(mark.frame > agreed for mark in client.marks)


def _greeted(protocol: str, answered: bytes) -> bool:
    """Whether a server has greeted as its protocol has it: whoever is to wait for that has not asked before."""
    greeting = _GREETINGS.get(protocol)
    return greeting is None or greeting.match(answered) is not None


# RFC 3977 section 5.1.1, RFC 5804 section 1.7; servers of IRC need not greet.
_GREETINGS: Final = {"nntp": re.compile(rb"20[01]\b"), "sieve": re.compile(rb"\"")}

# The text of a mail may hold any word (RFC 5321 section 4.1.1.4, RFC 3030 section 2).
_MAIL: Final = re.compile(rb"^(?:DATA\r$|BDAT \d)", re.IGNORECASE | re.MULTILINE)


def _commands(asked: bytes) -> bytes:
    """What a client said before the first mail that it handed over."""
    mail = _MAIL.search(asked)
    return asked if mail is None else asked[: mail.start()]


def _answer(
    upgrade: Upgrade,
    ask: re.Match[bytes],
    asked_in: int,
    server: Stream,
    answered: bytes,
    begun: tuple[bool, bool],
) -> Prelude:
    """What the server said to the request for TLS, which ended in frame ``asked_in``.

    ``begun`` says of the client and of the server whether TLS follows: of the server that is consent.
    Some clients (s_client) go on after a refusal.
    """
    target = _target(upgrade, ask)
    answers = _answers(upgrade, server, answered, asked_in)
    agreed = [frame for frame, text in answers if upgrade.accepts.match(text)]
    if not answers:
        end = PreludeEnd.AGREED if any(begun) else PreludeEnd.OPEN
        return Prelude(upgrade.protocol, end, asked_in, _printable(ask.group()), target)
    frame, text = answers[0]
    # A proxy may ask for a password first: then the last word counts.
    consent = begun[1] or (agreed if begun[0] else agreed[:1] == [frame])
    end = PreludeEnd.AGREED if consent else PreludeEnd.REFUSED
    if end is PreludeEnd.REFUSED and _is_unlisted(upgrade, answered):
        end = PreludeEnd.NOT_OFFERED
    words = None if end is PreludeEnd.AGREED else replies.told(upgrade.protocol, text)
    return Prelude(upgrade.protocol, end, frame, _printable(words or text), target)


def _target(upgrade: Upgrade, ask: re.Match[bytes]) -> str | None:
    """What a proxy is asked for a tunnel to."""
    if upgrade.protocol == "socks":
        target = socks.target(ask.string)
        return None if target is None else _printable(target)
    return _printable(ask.group(1)) if ask.re.groups else None


def _answers(
    upgrade: Upgrade, server: Stream, answered: bytes, asked_in: int
) -> list[tuple[int, bytes]]:
    """The server's answers after the frame of the request, each with its own frame."""
    found: list[tuple[int, bytes]] = []
    for answer in upgrade.answer.finditer(answered):
        begun = server.locate(answer.start()).frame
        frame = begun if begun > asked_in else server.locate(answer.end() - 1).frame
        if frame > asked_in:
            found.append((frame, answer.group()))
    return found


def _is_unlisted(upgrade: Upgrade, answered: bytes) -> bool:
    """Whether the server told what it can do, and TLS is not in it."""
    listed = [e.group() for e in upgrade.listing.finditer(answered)] if upgrade.listing else []
    return bool(listed) and not any(_offers(upgrade, entry) for entry in listed)


def _offers(upgrade: Upgrade, entry: bytes) -> bool:
    return upgrade.offer is not None and upgrade.offer.search(entry) is not None


def _insisted(
    asked: bytes, answered: bytes, begin: int, client: Stream, server: Stream
) -> Prelude | None:
    """A server that wants TLS, and a client that did not ask for it; its bytes stand at ``begin``."""
    said = insisted(_commands(asked), answered)
    if said is None:
        return None
    frame = server.locate(said.at).frame
    on = goes_on(client, clear_bytes(client)[: begin + len(asked)], server, answered, frame)
    return Prelude(
        *(said.protocol, PreludeEnd.REFUSED, frame, _printable(said.text)),
        sought=Sought.NOTHING,
        in_clear=on,
    )


def _not_offered(asked: bytes, answered: bytes, client: Stream, server: Stream) -> Prelude | None:
    """A client that read the list of capabilities, did not find TLS there, and said no more.

    Having seen the list, a client that does nothing but leave wanted something that is not in it.
    """
    if client.starts_midstream or client.gaps or len(client.chunks) > 1:
        return None  # what is missing from the capture is no silence
    for upgrade in UPGRADES:
        looks = _looks(upgrade, asked)
        listed = list(upgrade.listing.finditer(answered)) if looks and upgrade.listing else []
        if looks is None or not listed:
            continue
        if any(_offers(upgrade, entry.group()) for entry in listed):
            return None
        frame = server.locate(listed[-1].start()).frame
        words = replies.told(upgrade.protocol, listed[-1].group())
        text = _printable(words or b" / ".join(entry.group() for entry in listed))
        sought, farewell = looks
        return Prelude(
            upgrade.protocol, PreludeEnd.NOT_OFFERED, frame, text, sought=sought, farewell=farewell
        )
    return None


def _looks(upgrade: Upgrade, asked: bytes) -> tuple[Sought, bool] | None:
    """Whether a client does no more than to read the list, what it asked for, and its farewell."""
    for sought, pattern in ((Sought.LIST, upgrade.seeks), (Sought.NOTHING, upgrade.waits)):
        said = pattern.match(asked) if pattern is not None else None
        if said is not None:
            return sought, bool(said["farewell"])
    return None


def _printable(data: bytes | str) -> str:
    """Text for a report: printable ASCII, the rest as dots, of bounded length."""
    data = data.encode() if isinstance(data, str) else data
    return "".join(_characters(data[:_TEXT_MOST])).strip()


def _characters(data: bytes) -> Iterator[str]:
    for byte in data:
        yield chr(byte) if 0x20 <= byte < 0x7F else " " if byte in b"\r\n\t" else "."
