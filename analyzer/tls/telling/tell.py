"""Evidence becomes a story: the one place where the parts of this package meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from analyzer.errors import Defect, DefectKind
from analyzer.limits import DEFAULT, Limits
from analyzer.tcp.closing import without_strays
from analyzer.tcp.evidence import Evidence
from analyzer.tcp.order import Renumbered, in_order_of_sending
from analyzer.tcp.timeline import Side, Timeline, client_index, read_timeline
from analyzer.tls.message.hello import ServerHello
from analyzer.tls.message.keyexchange import ServerKeyExchange
from analyzer.tls.prelude.openings import classify
from analyzer.tls.prelude.start import clear_bytes
from analyzer.tls.record.encrypted import Reading
from analyzer.tls.registry.code_points import ProtocolVersion
from analyzer.tls.story import Ending, Milestone, Opening, Reached, Story, Visibility
from analyzer.tls.telling.caveats import OUT_OF_ORDER, conflicting, hidden_parts
from analyzer.tls.telling.chains import packed, read_chains, undated
from analyzer.tls.telling.conversation import Conversation
from analyzer.tls.telling.dark import read_dark
from analyzer.tls.telling.directions import Directions, client_half, in_order, read_directions
from analyzer.tls.telling.ending import read_ending, sealed_alerts
from analyzer.tls.telling.hidden import GARBLES, HIDES_COMPLETION, what_is_hidden
from analyzer.tls.telling.messages import read_conversation
from analyzer.tls.telling.milestones import (
    Passed,
    completed,
    passed_in_clear,
    passed_in_the_dark,
    says_only_tickets,
)
from analyzer.tls.telling.unsealed import encrypted_extensions, passed_unsealed

if TYPE_CHECKING:
    from analyzer.tls.decryption.decrypt import Decryptor
    from analyzer.tls.decryption.keylog import Secrets


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
    sent, renumbered = in_order_of_sending(evidence)
    client = client_half(sent)
    bytes_ = read_directions(sent, client, limits)
    timeline = read_timeline(sent, client, bytes_.streams, capture_end)
    talk = read_conversation(in_order(bytes_.records), limits, _decryptor(secrets))
    reading = read_dark(talk)
    passed = _passed(timeline, talk, reading)
    # What is missing is a matter of the capture, whatever the order of sending.
    story = _compose(evidence, client, timeline, bytes_, talk, reading, passed, limits)
    return _renumbered(story, renumbered) if renumbered else story


def _renumbered(story: Story, numbers: Renumbered) -> Story:
    """The story of packets that came to the capture in another order than they were sent in."""
    timeline = story.timeline._replace(rtt_ns=None)
    caveats = (*story.caveats, OUT_OF_ORDER)
    return replace(story, renumbered=numbers, timeline=timeline, caveats=caveats)


def _decryptor(secrets: Secrets | None) -> Decryptor | None:
    if secrets is None:
        return None
    from analyzer.tls.decryption.decrypt import Decryptor  # noqa: PLC0415 - only with secrets at hand

    return Decryptor(secrets)


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
    hidden = what_is_hidden(evidence, client, timeline, bytes_, talk, reading)
    full = bytes_.full or talk.full or (talk.choice is not None and _dismissed(timeline))
    done = _done(timeline, talk, reading, passed, hidden, full=full)
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
        caveats=(
            *_caveats(hidden, timeline, evidence, talk, bytes_),
            *packed(found),
            *undated(found),
        ),
        completed=done,
        begun=tuple(talk.begun),
    )


def _done(
    timeline: Timeline,
    talk: Conversation,
    reading: Reading | None,
    passed: Passed,
    hidden: frozenset[str],
    *,
    full: bool,
) -> bool | None:
    """Whether the handshake completed; None where what was not captured, or not read, may decide."""
    left = timeline.closed_first[0] if timeline.closed_first else None
    done = completed(talk, passed, reading, left)
    if done and _unheard_finish(timeline, passed):
        done = False
    doubtful = talk.tls13 and Milestone.SERVER_ACCEPTED not in passed and talk.decryptor is None
    if (done is False and (full or hidden & HIDES_COMPLETION)) or (
        done and doubtful and hidden & GARBLES
    ):
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


def _dismissed(timeline: Timeline) -> bool:
    """Whether the selection left out bytes in the middle: it takes what is behind a loss for data."""
    return any(gap.kind == "left_out" for gaps in timeline.gaps.values() for gap in gaps)


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


def _caveats(
    hidden: frozenset[str],
    timeline: Timeline,
    evidence: Evidence,
    talk: Conversation,
    bytes_: Directions,
) -> tuple[str, ...]:
    """Sentences for the reader: what the capture hides, and which limits were reached."""
    told = [*hidden_parts(hidden & HIDES_COMPLETION, timeline), *conflicting(timeline)]
    told += [
        f"the limit {name} was reached: more was captured than kept"
        for name in sorted(evidence.limits)
    ]
    told += [
        f"the limit {name} was reached: later records were not read"
        for name, full in (("records", bytes_.full), ("messages", talk.full))
        if full
    ]
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
        if reading.client_unheard:
            denied.add(Milestone.CLIENT_DATA)
        if says_only_tickets(reading):
            denied.add(Milestone.SERVER_WENT_ON)
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
