"""The order of sending, from captures that hold another: what acknowledgments prove, and no more."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tcp.evidence import Evidence
from analyzer.tcp.flow import FlowTable
from analyzer.tcp.order import in_order_of_sending
from tests.support.segments import CLIENT, SERVER, Sent, block_of

FIN, SYN, RST, ACK = 1, 2, 4, 16
MODULUS = 1 << 32


def client(at: int, heard: int, data: bytes = b"", flags: int = ACK) -> Sent:
    return Sent(CLIENT, SERVER, at, data, flags, heard)


def server(at: int, heard: int, data: bytes = b"", flags: int = ACK) -> Sent:
    return Sent(SERVER, CLIENT, at, data, flags, heard)


# As it was sent: each side waits for the other, and acknowledges all that it said.
TALK = [
    client(100, 0, flags=SYN),
    server(900, 101, flags=SYN | ACK),
    client(101, 901, b"hello"),
    server(901, 106, b"answer"),
    server(907, 106, b"and more"),
    client(106, 915, b"thanks"),
    server(915, 112, b"no"),
    client(112, 917, flags=FIN | ACK),
    server(917, 113, flags=FIN | ACK),
]


def evidence_of(segments: list[Sent]) -> Evidence:
    table = FlowTable()
    table.observe(block_of(segments))
    (evidence,) = table.evidence()
    return evidence


def sent_order(segments: list[Sent]) -> list[int]:
    """Frames of the capture in the order that is found: of all segments, none of them bare."""
    evidence, renumbered = in_order_of_sending(evidence_of(segments))
    frames = {e.frame for e in evidence.events}
    frames |= {f for half in evidence.halves for p in half.pieces for f in p.frames}
    return [renumbered.get(frame, frame) for frame in sorted(frames)]


def only(side: tuple[int, int], talk: list[Sent]) -> list[Sent]:
    return [one for one in talk if one.source == side]


def captured(talk: list[Sent], turns: list[bool]) -> list[Sent]:
    """The talk in another order, in which each side keeps its own; ``turns`` choose the side."""
    sides = only(CLIENT, talk), only(SERVER, talk)
    found = []
    for turn in turns:
        side = sides[turn] or sides[1 - turn]
        found += side[:1]
        del side[:1]
    return found + sides[0] + sides[1]


@given(st.lists(st.booleans(), max_size=len(TALK)))
def test_a_talk_in_turns_has_one_order_whatever_the_capture_made_of_it(turns: list[bool]) -> None:
    found = captured(TALK, turns)

    assert [found[frame - 1] for frame in sent_order(found)] == TALK


@pytest.mark.parametrize("start", [100, MODULUS - 3, MODULUS - 110])
def test_numbers_may_wrap(start: int) -> None:
    moved = [
        dataclasses.replace(one, sequence=(one.sequence + start) % MODULUS)
        if one.source == CLIENT
        else dataclasses.replace(one, acknowledgment=(one.acknowledgment + start) % MODULUS)
        for one in TALK
    ]
    found = only(SERVER, moved) + only(CLIENT, moved)

    assert [found[frame - 1] for frame in sent_order(found)] == moved


def test_what_was_captured_in_order_is_left_as_it_is() -> None:
    evidence = evidence_of(TALK)
    found, renumbered = in_order_of_sending(evidence)

    assert found is evidence
    assert not renumbered


def test_what_crossed_on_its_way_stays_in_order_of_capture() -> None:
    crossed = [*TALK[:3], client(106, 901, b"too"), server(901, 106, b"answer"), *TALK[7:8]]

    assert sent_order(crossed) == [1, 2, 3, 4, 5, 6]


def test_nobody_waits_for_what_is_only_sent_again() -> None:
    again = [*TALK[:4], client(106, 907, b"thanks"), server(901, 106, b"answer")]

    assert sent_order(again) == [1, 2, 3, 4, 5, 6]


def test_nobody_waits_for_what_was_not_captured() -> None:
    assert sent_order(TALK[:3] + TALK[5:]) == [1, 2, 3, 4, 5, 6, 7]


RESET = client(112, 0, flags=RST)


def test_a_reset_without_acknowledgment_answers_what_it_has_its_number_from() -> None:
    """The client has closed: its host answers the server's last words by a reset."""
    talk = [*TALK[:7], RESET]
    found = only(CLIENT, talk) + only(SERVER, talk)

    assert [found[frame - 1] for frame in sent_order(found)] == talk


def test_where_the_order_is_right_such_a_reset_stays_where_it_is() -> None:
    """Somebody between may have sent it, who waited for nothing."""
    talk = [*TALK[:6], RESET, TALK[6]]

    assert sent_order(talk) == [*range(1, 9)]


def test_contradictory_acknowledgments_change_nothing_and_end() -> None:
    """Each acknowledges what the other has yet to say."""
    mad = [*TALK[:2], client(101, 950, b"hello"), server(901, 150, b"answer")]

    assert sent_order(mad) == [1, 2, 3, 4]
