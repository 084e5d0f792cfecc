"""What TCP shows of a connection: tables of segments in, facts by side out."""

from __future__ import annotations

import dataclasses

import pytest

from analyzer.capture.block import IcmpError
from analyzer.tcp.closing import initial_sequence
from analyzer.tcp.evidence import Evidence
from analyzer.tcp.flow import FlowTable
from analyzer.tcp.reassembly import assemble
from analyzer.tcp.timeline import SILENCE_NS, Side, Timeline, client_index, read_timeline
from tests.support.segments import CLIENT, SERVER, Sent, block_of

FIN, SYN, RST, ACK = 1, 2, 4, 16
MILLISECOND = 1_000_000


def sent(
    side: Side, sequence: int, data: bytes = b"", flags: int = ACK, acknowledgment: int = 0
) -> Sent:
    source, target = (CLIENT, SERVER) if side is Side.CLIENT else (SERVER, CLIENT)
    return Sent(source, target, sequence, data, flags, acknowledgment)


def timed(segments: list[Sent]) -> list[Sent]:
    """The segments, a millisecond apart."""
    return [dataclasses.replace(s, time=i * MILLISECOND) for i, s in enumerate(segments, start=1)]


def evidence_of(segments: list[Sent], *errors: IcmpError) -> Evidence:
    table = FlowTable()
    table.observe(dataclasses.replace(block_of(timed(segments)), icmp_errors=errors))
    (evidence,) = table.evidence()
    return evidence


def timeline_of(segments: list[Sent], *errors: IcmpError, silence: int = 0) -> Timeline:
    evidence = evidence_of(segments, *errors)
    client = client_index(evidence) or 0
    halves = evidence.halves
    streams = {
        side: assemble(halves[half], halves[1 - half], initial_sequence(evidence, half))
        for side, half in ((Side.CLIENT, client), (Side.SERVER, 1 - client))
    }
    return read_timeline(evidence, client, streams, len(segments) * MILLISECOND + silence)


C, S = Side.CLIENT, Side.SERVER
ASKED = sent(C, 100, flags=SYN)
ANSWERED = sent(S, 900, flags=SYN | ACK, acknowledgment=101)
ACCEPTED = sent(C, 101, acknowledgment=901)
OPENED = [ASKED, ANSWERED, ACCEPTED]
HELLO = sent(C, 101, b"hello", acknowledgment=901)
HEARD = sent(S, 901, acknowledgment=106)
LONG = 10 * SILENCE_NS


def test_each_side_is_the_peer_of_the_other() -> None:
    assert [side.peer for side in Side] == [Side.SERVER, Side.CLIENT]
    assert [side.value for side in Side] == ["client", "server"]


@pytest.mark.parametrize(
    ("segments", "silence", "end", "end_by"),
    [
        pytest.param([*OPENED, sent(S, 901, flags=FIN | ACK)], 0, "fin", S, id="server closes"),
        pytest.param([*OPENED, sent(C, 101, flags=FIN | ACK)], 0, "fin", C, id="client closes"),
        pytest.param([*OPENED, HELLO, sent(S, 901, flags=RST)], 0, "rst", S, id="reset"),
        pytest.param(
            [*OPENED, sent(C, 101, flags=FIN | ACK), sent(S, 901, flags=RST)],
            0,
            "fin",
            C,
            id="the first to close counts",
        ),
        pytest.param([ASKED, sent(S, 0, flags=RST | ACK)], 0, "refused", S, id="refused"),
        pytest.param([ASKED, ASKED, ASKED], 0, "unanswered", None, id="unanswered"),
        pytest.param([ASKED], LONG, "unanswered", None, id="unanswered for long"),
        pytest.param([*OPENED, HELLO, HEARD], 0, "open", None, id="the capture ends"),
        pytest.param([*OPENED, HELLO, HEARD], LONG, "timeout", None, id="silence"),
        pytest.param([*OPENED, HELLO, HELLO], LONG, "timeout", None, id="repeated in vain"),
        pytest.param([*OPENED, HELLO], LONG, "open", None, id="the capture stopped listening"),
    ],
)
def test_the_end_and_who_made_it(
    segments: list[Sent], silence: int, end: str, end_by: Side | None
) -> None:
    timeline = timeline_of(segments, silence=silence)

    assert (timeline.end, timeline.end_by) == (end, end_by)


SPOKE = [*OPENED, HELLO, sent(S, 901, b"answer", acknowledgment=106)]
BEHIND = 908  # the server's answer and its FIN


@pytest.mark.parametrize(
    ("segments", "closed"),
    [
        pytest.param([*SPOKE, sent(C, 106, b"alert", acknowledgment=BEHIND)], (S, 6), id="data"),
        pytest.param(
            [*SPOKE, sent(C, 106, flags=FIN | ACK, acknowledgment=BEHIND)], (S, 6), id="FIN"
        ),
        pytest.param(
            [*SPOKE, sent(C, 106, b"alert", acknowledgment=BEHIND), sent(C, 111, flags=FIN | ACK)],
            (S, 6),
            id="FIN behind data",
        ),
        pytest.param(
            [*SPOKE, sent(C, 106, acknowledgment=BEHIND)],
            None,
            id="ACK alone, of whom closed first",
        ),
        pytest.param(
            [*SPOKE, sent(C, 106, flags=RST | ACK, acknowledgment=BEHIND)], (C, 6), id="any RST"
        ),
        pytest.param(
            [*SPOKE, sent(C, 106, b"alert", acknowledgment=907)], None, id="all data, and no FIN"
        ),
        pytest.param(
            [*SPOKE, sent(C, 106, b"alert", acknowledgment=909)], None, id="data that was lost, too"
        ),
        pytest.param(
            [*SPOKE, sent(C, 106, b"alert", acknowledgment=BEHIND), sent(S, 907, flags=FIN | ACK)],
            (S, 7),
            id="captured, late",
        ),
    ],
)
def test_a_close_that_was_not_captured_is_proven_by_what_acknowledges_it(
    segments: list[Sent], closed: tuple[Side, int] | None
) -> None:
    timeline = timeline_of(segments)
    first = timeline.closed_first

    assert (first and (first[0], first[1].frame)) == closed
    assert timeline.closed_unseen == (closed == (S, 6))


@pytest.mark.parametrize(
    ("segments", "client"),
    [
        pytest.param([ASKED], 0, id="SYN"),
        pytest.param([ANSWERED], 0, id="SYN-ACK only"),
        pytest.param([HELLO, HEARD], None, id="neither"),
        pytest.param([sent(S, 900, flags=SYN)], 1, id="SYN of the other"),
        pytest.param([sent(C, 1, flags=SYN | RST)], None, id="SYN with RST opens nothing"),
    ],
)
def test_the_client_is_who_opened(segments: list[Sent], client: int | None) -> None:
    evidence = evidence_of(segments)
    expected = None if client is None else evidence.endpoints[client]
    found = client_index(evidence)

    assert (None if found is None else evidence.endpoints[found]) == expected


@pytest.mark.parametrize(
    ("segments", "numbers"),
    [
        pytest.param(OPENED, (100, 900), id="both"),
        pytest.param([ANSWERED], (100, 900), id="the client's from what the server answered"),
        pytest.param([ASKED], (100, None), id="the client's"),
        pytest.param([HELLO], (None, None), id="none"),
    ],
)
def test_initial_sequence_numbers(
    segments: list[Sent], numbers: tuple[int | None, int | None]
) -> None:
    evidence = evidence_of(segments)

    assert tuple(initial_sequence(evidence, half) for half in (0, 1)) == numbers


def test_opening_is_told_with_frames_and_round_trip() -> None:
    timeline = timeline_of([ASKED, *OPENED, HELLO])

    assert [event.frame for event in timeline.syns] == [1, 2]
    assert timeline.syn is timeline.syns[0]
    assert timeline.syn_ack is not None
    assert timeline.syn_ack.frame == 3
    assert timeline.accepted
    assert timeline.rtt_ns == 2 * MILLISECOND
    assert (timeline.first_frame, timeline.last_frame) == (1, 5)


def test_a_syn_ack_that_the_client_never_acknowledged_is_not_accepted() -> None:
    assert not timeline_of([ASKED, ANSWERED]).accepted


def test_what_the_server_never_acknowledged_is_counted() -> None:
    heard, unheard = timeline_of([*OPENED, HELLO, HEARD]), timeline_of([*OPENED, HELLO])

    assert heard.unacknowledged == {C: 0, S: 0}
    assert unheard.unacknowledged == {C: 5, S: 0}


def test_retransmissions_of_bytes_and_of_the_syn_are_counted_by_side() -> None:
    timeline = timeline_of([ASKED, *OPENED, HELLO, HELLO])

    assert timeline.retransmissions == {C: 2, S: 0}


def test_packets_and_bytes_are_counted_by_side() -> None:
    timeline = timeline_of([*OPENED, HELLO, HEARD])

    assert timeline.packets == {C: 3, S: 2}
    assert timeline.payload == {C: 5, S: 0}


def test_a_gap_that_the_peer_acknowledged_is_missing_from_the_capture() -> None:
    later = sent(C, 111, b"!", acknowledgment=901)
    timeline = timeline_of([*OPENED, HELLO, later, sent(S, 901, acknowledgment=112)])
    (gap,) = timeline.gaps[C]

    assert (gap.offset, gap.length, gap.kind, gap.acknowledged) == (5, 5, "lost", True)
    assert timeline.missing == {C: 5, S: 0}


def test_a_reset_keeps_the_ttl_of_its_sender_beside_its_own() -> None:
    timeline = timeline_of([*OPENED, sent(S, 901, flags=RST)])

    assert timeline.rst_ttl == (64, 64)
    assert timeline_of([ASKED, sent(S, 0, flags=RST | ACK)]).rst_ttl is None


def test_a_reset_is_outlived_by_bytes_behind_its_number() -> None:
    reset = [*OPENED, HELLO, sent(S, 903, flags=RST)]
    later = len(reset) + 1

    assert timeline_of([*reset, sent(S, 903, b"new")]).rst_outlived == later
    assert timeline_of([*reset, sent(S, 901, b"in")]).rst_outlived is None  # captured late
    assert timeline_of([*reset, sent(C, 106, b"more")]).rst_outlived is None


def test_the_wait_before_the_end_begins_with_the_last_payload() -> None:
    timeline = timeline_of([*OPENED, HELLO, HEARD, sent(S, 901, flags=RST)])

    assert timeline.waited_ns == 2 * MILLISECOND
    assert timeline.last_data == {C: 4 * MILLISECOND, S: None}


def unreachable(frame: int) -> IcmpError:
    """A router's word that ``SERVER`` is no host to reach, about a segment of ``CLIENT``."""
    mapped = 0xFFFF << 32
    return IcmpError(
        frame=frame,
        time=frame,
        reporter="192.0.2.1",
        type=3,
        code=1,
        version=4,
        source=(0, mapped | CLIENT[0]),
        destination=(0, mapped | SERVER[0]),
        source_port=CLIENT[1],
        destination_port=SERVER[1],
        sequence=100,
        next_hop_mtu=None,
    )


def test_an_icmp_error_is_joined_to_the_connection_that_it_quotes() -> None:
    (event,) = timeline_of([ASKED], unreachable(9)).icmp

    assert (event.half, event.frame, event.reporter, event.code) == (0, 9, "192.0.2.1", 1)


def test_an_icmp_error_goes_to_the_newest_connection_of_its_ports() -> None:
    table = FlowTable()
    table.observe(block_of([ASKED]))
    again = block_of([sent(C, 5_000, flags=SYN), sent(C, 7_000, flags=SYN)], first_frame=2)
    table.observe(dataclasses.replace(again, icmp_errors=(unreachable(3),)))

    # Frame 3 is the SYN of the third connection, which the error precedes.
    assert [len(evidence.icmp) for evidence in table.evidence()] == [0, 1, 0]
