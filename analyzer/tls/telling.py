"""Evidence becomes a story: the one place where the parts of this package meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from analyzer.errors import Defect, DefectKind
from analyzer.limits import DEFAULT, Limits
from analyzer.tcp.evidence import FIN, Evidence
from analyzer.tcp.reassembly import Stream
from analyzer.tcp.sequence import distance
from analyzer.tcp.timeline import (
    Side,
    Timeline,
    client_index,
    initial_sequence,
    read_timeline,
    without_strays,
)
from analyzer.tls.caveats import conflicting, hidden_parts
from analyzer.tls.chains import packed, read_chains, undated
from analyzer.tls.conversation import Conversation
from analyzer.tls.directions import Directions, client_half, in_order, read_directions
from analyzer.tls.encrypted import Reading, Sealed, read_sealed
from analyzer.tls.ending import read_ending, sealed_alerts
from analyzer.tls.hello import ServerHello
from analyzer.tls.keyexchange import ServerKeyExchange
from analyzer.tls.messages import read_conversation
from analyzer.tls.milestones import Passed, completed, passed_in_clear, passed_in_the_dark
from analyzer.tls.openings import classify
from analyzer.tls.preludes import clear_bytes
from analyzer.tls.registry import ProtocolVersion
from analyzer.tls.story import (
    Ending,
    Message,
    Milestone,
    Opening,
    Reached,
    Story,
    Visibility,
)
from analyzer.tls.suites import facts_of
from analyzer.tls.unsealed import (
    encrypted_extensions,
    hidden_unsealed,
    passed_unsealed,
    settled,
    was_opened,
)

if TYPE_CHECKING:
    from analyzer.tls.decrypt import Decryptor
    from analyzer.tls.keylog import Secrets


def tell(
    evidence: Evidence,
    capture_end: int,
    limits: Limits = DEFAULT,
    secrets: Secrets | None = None,
) -> Story:
    """Tell what happened on one connection.

    Args:
        evidence: What the capture holds of it.
        capture_end: Time of the last packet of the whole capture, ns. Silence is judged by it.
        limits: Named bounds; reaching one is a caveat of the story.
        secrets: To decrypt handshake messages and alerts with.

    Returns:
        The story, without neighbours: those come from a survey of all stories.
    """
    evidence = without_strays(evidence)
    client = client_half(evidence)
    bytes_ = read_directions(evidence, client, limits)
    timeline = read_timeline(evidence, client, bytes_.streams, capture_end)
    talk = read_conversation(in_order(bytes_.records), limits, _decryptor(secrets))
    reading = _read_dark(talk)
    passed = _passed(timeline, talk, reading)
    return _compose(evidence, client, timeline, bytes_, talk, reading, passed, limits)


def _decryptor(secrets: Secrets | None) -> Decryptor | None:
    if secrets is None:
        return None
    from analyzer.tls.decrypt import Decryptor  # noqa: PLC0415 - only with secrets at hand

    return Decryptor(secrets)


def _read_dark(talk: Conversation) -> Reading | None:
    """Read the record lengths of a TLS 1.3 connection (None for other versions)."""
    if not talk.tls13 or talk.choice is None:
        return None
    suite = facts_of(talk.choice.cipher_suite)
    overhead = 1 + (suite.tag_length or 16)
    sealed = [
        Sealed(record.sender, record.length - overhead, record.frame, record.time)
        for record in talk.sealed
        if record.length >= overhead
    ]
    offer = talk.offers[-1] if talk.offers else None
    reading = read_sealed(
        sealed,
        hash_length=48 if suite.hash == "SHA384" else 32,
        psk=talk.choice.psk_selected,
        early_data=offer is not None and offer.early_data,
        application_settings=offer is not None and offer.application_settings,
    )
    if talk.decryptor is not None:
        reading = settled(reading, talk)
    for step in reading.steps:
        talk.messages.append(_inferred(step.name, step.record))
    unread = _unread(sealed, reading) if not reading.early_data else ()
    for record in (*unread, *reading.client_after[:1], *reading.server_after[:1]):
        alert = record in (reading.client_alert, reading.server_alert)
        if not alert and not was_opened(talk, record.sender):
            talk.messages.append(_inferred("encrypted_record", record))
    talk.messages.sort(key=lambda message: message.frame)
    _track(talk, reading)
    return reading


def _unread(sealed: Sequence[Sealed], reading: Reading) -> tuple[Sealed, ...]:
    """The client's first answer to a CertificateRequest that no reading explains, nor the server accepts."""
    flight = reading.server_flight
    if flight is None or reading.server_alert is None or reading.client_finished is not None:
        return ()
    if not reading.certificate_request:
        return ()
    if any(step.record.sender is Side.CLIENT for step in reading.steps):
        return ()
    sent = [r for r in sealed if r.sender is Side.CLIENT and r.frame > flight.frame]
    return tuple(sent[:1])


def _inferred(name: str, record: Sealed) -> Message:
    return Message(
        name="certificate" if name == "empty_certificate" else name,
        letter="",
        sender=record.sender,
        first_frame=record.frame,
        frame=record.frame,
        time=record.time,
        length=record.length,
        visibility=Visibility.INFERRED,
    )


def _track(talk: Conversation, reading: Reading) -> None:
    """Lead the tracker through what was inferred, so that it knows who is to speak."""
    for step in reading.steps:
        talk.tracker.observe(step.record.sender, step.name, frame=step.record.frame)
    flight, finished = reading.server_flight, reading.client_finished
    if flight is not None and not was_opened(talk, Side.SERVER):
        asking = reading.certificate_request is True
        talk.tracker.conclude(Side.SERVER, asking=asking, frame=flight.frame)
    if finished is not None:
        talk.tracker.conclude(Side.CLIENT, asking=False, frame=finished.frame)


def _passed(timeline: Timeline, talk: Conversation, reading: Reading | None) -> Passed:
    passed = passed_in_clear(talk.messages)
    if timeline.syn_ack is not None:
        event = timeline.syn_ack
        passed[Milestone.CONNECTED] = Reached(event.frame, event.time, Visibility.SEEN)
    if reading is not None:
        passed |= passed_unsealed(talk, reading) if talk.decryptor is not None else {}
        for milestone, reached in passed_in_the_dark(reading).items():
            passed.setdefault(milestone, reached)
    return passed


def _compose(
    evidence: Evidence,
    client: int,
    timeline: Timeline,
    bytes_: Directions,
    talk: Conversation,
    reading: Reading | None,
    passed: Passed,
    limits: Limits,
) -> Story:
    unseen = {Side.CLIENT: _unseen(evidence, client), Side.SERVER: _unseen(evidence, 1 - client)}
    hidden = _hidden(timeline, bytes_, talk, unseen) | _padded(talk, reading)
    done = _done(timeline, talk, reading, passed, hidden)
    alerts = (*talk.alerts, *sealed_alerts(reading))
    awaited = next(iter({side for side, _ in talk.tracker.awaited()}), None)
    ending = read_ending(talk, alerts, timeline, awaited, completed=done)
    chosen = talk.choice
    answer = chosen or talk.retry  # a retry has chosen version and suite, too
    found = read_chains(talk)
    return Story(
        stream=evidence.stream,
        client=evidence.endpoints[client],
        server=evidence.endpoints[1 - client],
        start=timeline.first_time,
        end=timeline.last_time,
        timeline=timeline,
        openings=_openings(bytes_),
        first_data={side: stream.locate(0).frame for side, stream in bytes_.streams.items()},
        prelude=bytes_.start.prelude,
        offers=tuple(talk.offers),
        retry=talk.retry,
        choice=chosen,
        version=answer.version_name if answer else None,
        cipher_suite=answer.cipher_suite.name if answer else None,
        group=_group(chosen, found.server_key_exchange),
        alpn=_alpn(chosen, talk),
        resumed=_resumed(talk),
        messages=tuple(talk.messages),
        alerts=tuple(sorted(alerts, key=_FRAME)),
        signature=_turned(evidence, client) + talk.signature(limits.signature_letters),
        milestones=passed,
        denied=_denied(talk, reading),
        awaiting=talk.tracker.awaited_at(_last_heard(ending)),
        server_chain=found.server,
        client_chain=found.client,
        certificate_request=found.request,
        server_key_exchange=found.server_key_exchange,
        staple=found.staple,
        ending=ending,
        renegotiations=talk.renegotiations,
        defects=(*talk.defects, *_broken(bytes_), *_damaged(talk)),
        hidden=hidden,
        caveats=(*_caveats(hidden, timeline, evidence, talk), *packed(found), *undated(found)),
        completed=done,
        begun=tuple(talk.begun),
    )


def _done(
    timeline: Timeline,
    talk: Conversation,
    reading: Reading | None,
    passed: Passed,
    hidden: frozenset[str],
) -> bool | None:
    """Whether the handshake completed; None where what the capture hides may be what decides."""
    left = timeline.closed_first[0] if timeline.closed_first else None
    done = completed(talk, passed, reading, left)
    if done and _unheard_finish(timeline, passed):
        done = False
    doubtful = talk.tls13 and Milestone.SERVER_ACCEPTED not in passed and talk.decryptor is None
    if (done is False and hidden & _HIDES_COMPLETION) or (done and doubtful and hidden & _GARBLES):
        return None
    return done


def _last_heard(ending: Ending) -> int:
    """The last frame that the side which left can have known."""
    return ending.unheard - 1 if ending.unheard else ending.horizon


def _unheard_finish(timeline: Timeline, passed: Passed) -> bool:
    """Whether the Finished that ends the handshake was sent again and again, and never acknowledged."""
    vain = timeline.vain[Side.CLIENT]
    finished = passed.get(Milestone.CLIENT_FINISHED)
    if vain is None or finished is None or Milestone.SERVER_ACCEPTED in passed:
        return False
    return vain.hopeless and vain.frame <= finished.frame


_FRAME: Final = attrgetter("frame")


def _damaged(talk: Conversation) -> list[tuple[str, Defect, int]]:
    return talk.decryptor.defects() if talk.decryptor is not None else []


def _turned(evidence: Evidence, client: int) -> str:
    """Zeek's mark for a flow whose TLS client is not the side that opened the connection."""
    return "^" if client_index(evidence) == 1 - client else ""


def _openings(bytes_: Directions) -> Mapping[Side, Opening]:
    return {side: _opening(bytes_, side) for side in Side}


def _opening(bytes_: Directions, side: Side) -> Opening:
    """What a side began with. Without its beginning only a protocol's own words count."""
    stream = bytes_.streams[side]
    first = classify(clear_bytes(stream))
    if not stream.starts_midstream or first not in _ANYTHING:
        return first
    if bytes_.records[side]:
        return Opening.TLS
    return Opening.UNKNOWN if stream.chunks else Opening.NOTHING


_ANYTHING: Final = frozenset({Opening.NOTHING, Opening.TEXT, Opening.BINARY})


# With a hole among them, the lengths of a client's records prove no Finished.
_GARBLES: Final = frozenset({"client_bytes", "snap_length"})
_HIDES_COMPLETION: Final = frozenset(
    {
        *("start", "end", "client_side", "server_side", "client_bytes", "server_bytes"),
        *("snap_length", "record_lengths"),
    }
)


def _unseen(evidence: Evidence, index: int) -> bool:
    """Whether more bytes of an endpoint were sent than captured, by its FIN or by what its peer got.

    A hole at the end leaves no gap between pieces. Asked only where all payload was kept.
    """
    half, peer = evidence.halves[index], evidence.halves[1 - index]
    if half.base is None or half.left_out:
        return False
    known = initial_sequence(evidence, index)
    base = half.base if known is None else known
    # A FIN counts as one in what the peer acknowledges, captured or not.
    got = peer.acknowledged
    if got is not None and distance(got, base) - 2 > half.payload:
        return True
    closing = [e for e in evidence.events if e.half == index and e.flags & FIN]
    # Who is first seen closing may have said anything before.
    if known is None and closing and closing[0].frame == half.first_frame:
        return True
    return any(distance(e.sequence, base) - 1 > half.payload for e in closing)


def _hidden(
    timeline: Timeline, bytes_: Directions, talk: Conversation, unseen: Mapping[Side, bool]
) -> frozenset[str]:
    """Names of :data:`~analyzer.tls.story.HIDDEN` that apply."""
    client, server = bytes_.streams[Side.CLIENT], bytes_.streams[Side.SERVER]
    tests = (
        ("start", not (timeline.syn or timeline.syn_ack or _from_hello(talk))),
        ("end", timeline.end == "open"),
        ("client_side", timeline.packets[Side.CLIENT] == 0),
        ("server_side", timeline.packets[Side.SERVER] == 0),
        ("client_bytes", unseen[Side.CLIENT] or _lost(client, "lost")),
        ("server_bytes", unseen[Side.SERVER] or _lost(server, "lost") or _unheard(talk)),
        ("snap_length", _lost(client, "snaplen") or _lost(server, "snaplen")),
    )
    hidden = frozenset([name for name, hidden in tests if hidden])
    return hidden | hidden_unsealed(talk) if talk.tls13 else hidden


def _padded(talk: Conversation, reading: Reading | None) -> frozenset[str]:
    padded = reading is not None and reading.padded and talk.decryptor is None
    return frozenset({"record_lengths"} if padded else ())


def _from_hello(talk: Conversation) -> bool:
    """Whether the first message captured is the one that begins a handshake."""
    first = next((message.name for message in talk.messages), "")
    return bool(talk.offers) and first == "client_hello"


def _unheard(talk: Conversation) -> bool:
    """Whether the client went on as only an answered client does, and no answer was captured.

    Early data follows the hello at once (RFC 8446 section 4.2.10).
    """
    if not talk.offers or talk.offers[0].early_data or talk.choice is not None or talk.retry:
        return False
    return any(m.sender is Side.CLIENT and m.name in _SECOND for m in talk.messages)


_SECOND: Final = frozenset({"change_cipher_spec", "application_data", "client_key_exchange"})


def _lost(stream: Stream, kind: str) -> bool:
    return bool(stream.gaps) and any(gap.kind == kind for gap in stream.gaps)


def _caveats(
    hidden: frozenset[str], timeline: Timeline, evidence: Evidence, talk: Conversation
) -> tuple[str, ...]:
    """Sentences for the reader: what the capture hides, and which limits were reached."""
    told = [*hidden_parts(hidden & _HIDES_COMPLETION, timeline), *conflicting(timeline)]
    told += [
        f"the limit {name} was reached: more was captured than kept"
        for name in sorted(evidence.limits)
    ]
    if talk.full:
        told.append("the limit messages was reached: later records were not read")
    about_keys = talk.decryptor.caveat() if talk.decryptor is not None else None
    if about_keys is not None:
        told.append(about_keys)
    return tuple(told)


def _alpn(chosen: ServerHello | None, talk: Conversation) -> str | None:
    """The protocol chosen: in ServerHello, from TLS 1.3 on in EncryptedExtensions."""
    if chosen is None or not talk.tls13:
        return chosen.alpn if chosen else None
    late = encrypted_extensions(talk)
    return late.alpn if late is not None else None


def _group(chosen: ServerHello | None, exchange: ServerKeyExchange | None) -> str | None:
    """The group of the key exchange: key_share in TLS 1.3, ServerKeyExchange before."""
    if chosen is not None and chosen.group is not None:
        return chosen.group.name
    return exchange.group_name if exchange is not None else None


def _resumed(talk: Conversation) -> bool | None:
    """Whether an earlier session went on (RFC 5246 section 7.3, RFC 8446 section 2.2).

    Before TLS 1.3 an abbreviated handshake has no Certificate, and the server switches first.
    """
    if talk.choice is None:
        return None
    if talk.tls13:
        return talk.choice.psk_selected
    names = [message.name for message in talk.messages if message.sender is Side.SERVER]
    if talk.choice.version is ProtocolVersion.SSL2:
        return not any(message.name == "client_key_exchange" for message in talk.messages)
    switched = "change_cipher_spec" in names
    first = names[: names.index("change_cipher_spec")] if switched else names  # no renegotiation
    if "server_hello_done" in first or "certificate" in first or "server_key_exchange" in first:
        return False
    return True if switched else None


def _denied(talk: Conversation, reading: Reading | None) -> frozenset[Milestone]:
    """Milestones that were certainly not passed: those the handshake went by without."""
    denied: set[Milestone] = set()
    names = {(message.sender, message.name) for message in talk.messages}
    if (Side.SERVER, "server_hello_done") in names:
        if (Side.SERVER, "certificate_request") not in names:
            denied.add(Milestone.CERTIFICATE_REQUEST)
        if (Side.SERVER, "certificate") not in names:
            denied.add(Milestone.SERVER_CERTIFICATE)
    if reading is not None:
        if reading.certificate_request is False:
            denied.add(Milestone.CERTIFICATE_REQUEST)
        if reading.client_certificate == "absent":
            denied |= {Milestone.CLIENT_CERTIFICATE, Milestone.CLIENT_CERTIFICATE_EMPTY}
        if reading.server_flight is not None and reading.client_silent:
            denied.add(Milestone.CLIENT_FINISHED)
    return frozenset(denied)


def _broken(bytes_: Directions) -> list[tuple[str, Defect, int]]:
    """Places where a direction's bytes are neither records nor missing from the capture."""
    return [
        (
            "record",
            Defect(DefectKind.OUT_OF_RANGE, f"{side.value}.record", at.offset, "no record header"),
            at.frame,
        )
        for side, breaks in bytes_.breaks.items()
        for at in breaks
        if at.data
    ]
