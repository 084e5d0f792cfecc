"""Third-party captures: what we read of TLS against what tshark reads, stream by stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import pytest

from analyzer import CaptureError
from analyzer.pipeline import Analysis
from analyzer.tcp.timeline import Side
from analyzer.tls.message.certificate import decode_certificates
from analyzer.tls.message.extensions import decode_extension
from analyzer.tls.message.hello import ClientHello, ServerHello
from analyzer.tls.registry.code_points import ExtensionType, HandshakeType
from analyzer.tls.story import Message, Story, Visibility
from analyzer.tls.x509.chain import read_certificate
from tests.support.shared import shared
from tests.support.tshark import Hello, Seen, Spoken, tls_streams

pytestmark = [pytest.mark.corpus, pytest.mark.peer, pytest.mark.slow]

AGREEMENT: Final = 0.975

# Why tshark and we may differ. None of it is an error of ours.
_SOCKS: Final = "tshark's SOCKS dissector takes stream numbers for the hosts behind the proxy"
_KEYS: Final = "the file holds keys: tshark lists EncryptedExtensions with those of ServerHello"
_LOST: Final = "tshark finds no record behind segments that were lost or came late"
_DIGEST: Final = "OpenVPN with tls-auth of SHA-256: tshark takes every digest for one of SHA-1"
_PADDED: Final = "zeros in bare ACKs stand where the data comes later; tshark resumes on a ticket"
_QUOTED: Final = "the segment that an ICMPv6 error quotes; no packet of it was captured"
_CERTIFICATE: Final = "tshark shows no certificate whose message is in many small records"
_DER: Final = "a certificate whose DER length is a lie: tshark shows the bytes up to the lie"
_MADE_UP: Final = "tshark drops a handshake message of a type that has no place in TLS"

_NDPI: Final = "ntop-nDPI__tests__cfgs__default__pcap__"
_SURICATA: Final = "OISF-suricata-verify__tests__"
_SAMPLES: Final = "ajbanjara-Wireshark__uploads__"
_MERCURY: Final = "cisco-mercury__unit_tests__pcaps__"
KNOWN: Final[Mapping[tuple[str, int], str]] = {
    ("FoxIO-LLC-ja4__pcap__socks-https-example.pcap", 2): _SOCKS,
    ("FoxIO-LLC-ja4__pcap__socks-https-example.pcap", 4): _SOCKS,
    (_NDPI + "tls_heur__trojan-tcp-tls.pcapng", 3): _SOCKS,
    (_NDPI + "tls_heur__vmess-tcp-tls.pcapng", 3): _SOCKS,
    (_NDPI + "6in4tunnel.pcap", 0): _QUOTED,
    (_NDPI + "KakaoTalk_chat.pcap", 2): _LOST,
    (_NDPI + "KakaoTalk_chat.pcap", 18): _LOST,
    ("jmhIcoding-flowcontainer__1592754322_clear.pcap", 3): _LOST,
    (_NDPI + "heuristic_tcp_ack_payload.pcap", 2): _PADDED,
    (_NDPI + "heuristic_tcp_ack_payload.pcap", 3): _PADDED,
    (_NDPI + "heuristic_tcp_ack_payload.pcap", 4): _PADDED,
    (_NDPI + "tls_invalid_reads.pcap", 0): _MADE_UP,
    (_MERCURY + "openvpn_tcp_single.pcap", 0): _DIGEST,
    (_SAMPLES + "96afe21b136f715d5b96df4a646c57d9__pcapng-example.pcapng", 1): _KEYS,
    ("lbirchler-tls-decryption__data__tls3__dsb-tls3.cryptohack.org.pcapng", 0): _KEYS,
    ("zeek-zeek__testing__btest__Traces__tls__tls-fragmented-handshake.pcap.gz", 0): _CERTIFICATE,
    (_SURICATA + "bug-1450-04__tls_DER-incomplete-header.pcap", 0): _DER,
    (_SURICATA + "bug-1450-05__tls_DER-incomplete-content.pcap", 0): _DER,
}  # fmt: skip


class Difference(NamedTuple):
    """One fact of one side of a stream that is read otherwise."""

    capture: str
    stream: int
    side: str
    what: str
    ours: object
    theirs: object


def _ours(story: Story, side: Side) -> dict[str, Any]:
    """What we read of one side."""
    clear = [m for m in story.messages if m.sender is side and m.visibility in _CLEAR]
    alerts = [a for a in story.alerts if a.sender is side and a.visibility in _CLEAR]
    ders = [der for message in clear for der in _ders(story, message)]
    return {
        "messages": [_type(story, m) for m in clear if m.name.upper() in _TYPES],
        "alerts": [(int(a.level or 0), int(a.description or 0)) for a in alerts],
        "certificates": ders,
        "serials": [int(read_certificate(der).serial or "0", 16) for der in ders],
    }


def _type(story: Story, message: Message) -> int:
    """The number of a message; SSL 2.0 has numbers of its own, which the bodies begin with."""
    return message.body[0] if story.version == "SSLv2" else _TYPES[message.name.upper()]


def _ders(story: Story, message: Message) -> tuple[bytes, ...]:
    if story.version == "SSLv2" and message.name == "server_hello":
        return story.server_chain.message.ders if story.server_chain else ()
    if message.name != "certificate":
        return ()
    return decode_certificates(message.body, story.version or "TLSv1.2")[0].ders


_CLEAR: Final = {Visibility.SEEN, Visibility.DECRYPTED}
# A HelloRetryRequest is a ServerHello by its number.
_TYPES: Final[Mapping[str, int]] = {
    **HandshakeType.__members__,
    "HELLO_RETRY_REQUEST": HandshakeType.SERVER_HELLO,
}


def _theirs(spoken: Spoken) -> dict[str, Any]:
    """What tshark read of it; among its serials are those that a staple names."""
    return {
        "messages": spoken.types,
        "alerts": spoken.alerts,
        "certificates": spoken.certificates,
        "serials": spoken.serials[: len(spoken.certificates)],
    }


def _offer(hello: ClientHello) -> Hello:
    return Hello(
        versions=hello.supported_versions or (hello.legacy_version,),
        session_id=hello.legacy_session_id.hex(),
        cipher_suites=hello.cipher_suites,
        extensions=hello.extension_types,
        sni=hello.server_name,
        groups=hello.supported_groups,
        signature_algorithms=tuple(_schemes(hello)),
        alpn=hello.alpn,
    )


def _schemes(hello: ClientHello) -> Iterator[int]:
    """The signature schemes of every extension that lists some, in the order sent."""
    for extension in hello.extensions:
        if extension.type in _LISTS_SCHEMES:
            listed, _ = decode_extension(extension, "client_hello")
            yield from cast("tuple[int, ...]", listed or ())


_LISTS_SCHEMES: Final = {
    ExtensionType.SIGNATURE_ALGORITHMS,
    ExtensionType.SIGNATURE_ALGORITHMS_CERT,
    ExtensionType.DELEGATED_CREDENTIAL,
}


def _choice(hello: ServerHello) -> Hello:
    return Hello(
        versions=(hello.version,),
        session_id=hello.legacy_session_id_echo.hex(),
        cipher_suites=(hello.cipher_suite,),
        extensions=hello.extension_types,
        sni=None,
        groups=(),
        signature_algorithms=(),
        alpn=(hello.alpn,) if hello.alpn else (),
    )


def _hellos(name: str, ours: list[Hello], theirs: list[Hello]) -> Iterator[tuple[str, Any, Any]]:
    for mine, other in zip(ours, theirs, strict=False):
        for field in Hello.__dataclass_fields__:
            pair = getattr(mine, field), getattr(other, field)
            if pair[0] != pair[1]:
                yield f"{name}.{field}", *pair


def _differences(story: Story, side: Side, spoken: Spoken) -> Iterator[tuple[str, Any, Any]]:
    ours, theirs = _ours(story, side), _theirs(spoken)
    for what, mine in ours.items():
        if mine != theirs[what]:
            yield what, mine, theirs[what]
    if side is Side.CLIENT:
        yield from _hellos("offer", [_offer(hello) for hello in story.offers], spoken.offers)
    else:
        choices = [_choice(hello) for hello in (story.retry, story.choice) if hello]
        yield from _hellos("choice", choices, spoken.choices)


def _compare(name: str, theirs: dict[int, Seen]) -> list[Difference]:
    """What differs in the streams that tshark sees TLS in."""
    try:
        judged = Analysis([shared("corpus/tls") / name]).judged()
        stories = {one.story.stream: one.story for one in judged}
    except CaptureError as error:
        return [Difference(name, stream, "", "refused", str(error), "") for stream in theirs]
    found = []
    for stream, seen in theirs.items():
        story = stories.get(stream)
        if story is None:
            found.append(Difference(name, stream, "", "stream", None, seen))
            continue
        for side, end in ((Side.CLIENT, story.client), (Side.SERVER, story.server)):
            different = _differences(story, side, seen.get(end.port, Spoken()))
            found += [Difference(name, stream, side.value, *one) for one in different]
    return found


def _seen(name: str) -> dict[int, Seen]:
    return tls_streams(shared("corpus/tls") / name)


def test_tshark_and_we_agree_on_nearly_every_stream() -> None:
    rows = json.loads(shared("corpus/tls.json").read_text())
    names = [Path(row["file"]).name for row in rows if row["tls_streams"]]
    with ThreadPoolExecutor(2) as pool:
        theirs = dict(zip(names, pool.map(_seen, names), strict=True))
    streams = sum(len(seen) for seen in theirs.values())
    differing: dict[tuple[str, int], list[Difference]] = {}
    for name, seen in theirs.items():
        for found in _compare(name, seen):
            differing.setdefault((found.capture, found.stream), []).append(found)
    unexplained = {key: found for key, found in differing.items() if key not in KNOWN}
    listing = "\n".join(str(d) for found in unexplained.values() for d in found)

    assert streams > 0
    assert not unexplained, f"{len(differing)} of {streams} streams differ; unexplained:\n{listing}"
    assert 1 - len(differing) / streams >= AGREEMENT
    assert set(KNOWN) <= set(differing), "a difference that no longer exists is still listed"
