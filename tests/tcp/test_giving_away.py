"""Connections that have ended, or are too many, leave the table; their late packets are known."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.limits import DEFAULT
from analyzer.tcp.flow import FlowTable
from analyzer.tcp.ledger import Ledger
from tests.support.segments import CLIENT, SERVER, Sent, block_of

FIN, SYN, RST, ACK = 1, 2, 4, 16
SECOND = 1_000_000_000


def opened(port: int, sequence: int = 100, time: int = 0) -> Sent:
    return Sent((CLIENT[0], port), SERVER, sequence, flags=SYN, time=time or SECOND)


def test_a_reset_connection_is_given_away_once_the_linger_has_passed() -> None:
    table = FlowTable()
    table.observe(block_of([opened(1), Sent(SERVER, (CLIENT[0], 1), 1, flags=RST, time=SECOND)]))
    assert list(table.ended()) == []

    table.observe(block_of([opened(2, time=4 * SECOND)], 3))
    assert [e.stream for e in list(table.ended())] == [0]
    assert [e.stream for e in table.evidence()] == [1]


def test_fins_of_both_sides_close_and_one_alone_does_not() -> None:
    table = FlowTable()
    table.observe(block_of([opened(1), Sent((CLIENT[0], 1), SERVER, 101, flags=FIN)]))
    assert list(table.ended(quiet=True)) == []

    table.observe(block_of([Sent(SERVER, (CLIENT[0], 1), 9, flags=FIN)], 3))
    assert len(list(table.ended(quiet=True))) == 1


def test_late_packets_of_a_told_connection_begin_no_new_one_but_a_fresh_syn_does() -> None:
    table = FlowTable()
    table.observe(block_of([opened(1), Sent(SERVER, (CLIENT[0], 1), 1, flags=RST)]))
    assert len(list(table.ended(quiet=True))) == 1

    table.observe(block_of([opened(1), Sent((CLIENT[0], 1), SERVER, 101, b"late")], 3))
    assert list(table.evidence()) == []
    table.observe(block_of([Sent(SERVER, (CLIENT[0], 1), 7), opened(1, 5000)], 5))
    assert [(e.stream, e.halves[0].packets) for e in table.evidence()] == [(1, 1)]
    assert table.connections == 2


def test_the_longest_silent_are_told_when_too_many_are_open() -> None:
    table = FlowTable(dataclasses.replace(DEFAULT, open_connections=8))
    table.observe(block_of([opened(port) for port in range(12)]))
    given = list(table.ended())

    assert [e.stream for e in given] == [0, 1, 2, 3, 4, 5]
    assert {name for e in given for name in e.limits} == {"open_connections"}
    assert len(table) == 6


def test_the_longest_silent_are_told_when_too_much_is_kept() -> None:
    table = FlowTable(dataclasses.replace(DEFAULT, open_bytes=1000))
    data = [Sent((CLIENT[0], port), SERVER, 1, b"x" * 300) for port in range(5)]
    table.observe(block_of(data))
    given = list(table.ended())

    assert [e.stream for e in given] == [0, 1, 2]
    assert {name for e in given for name in e.limits} == {"open_bytes"}
    assert [len(e.halves[0].pieces[0].data) for e in table.evidence()] == [300, 300]


def test_what_the_snap_length_took_makes_no_room() -> None:
    table = FlowTable(dataclasses.replace(DEFAULT, open_bytes=1000))
    data = [Sent((CLIENT[0], port), SERVER, 1, b"x" * 900, cut=600) for port in range(5)]
    table.observe(block_of(data))

    assert [e.stream for e in list(table.ended())] == [0, 1, 2]


def closing(port: int, data: bytes = b"", time: int = SECOND) -> Sent:
    return Sent(SERVER, (CLIENT[0], port), 1, data, flags=RST, time=time)


def test_what_was_closed_makes_room_first_and_lacks_nothing() -> None:
    table = FlowTable(dataclasses.replace(DEFAULT, open_connections=8))
    silent = [opened(port) for port in range(7)]
    closed = [sent for port in range(7, 12) for sent in (opened(port), closing(port))]
    table.observe(block_of(silent + closed))
    given = list(table.ended())

    assert [e.stream for e in given] == [7, 8, 9, 10, 11]
    assert {name for e in given for name in e.limits} == set()
    assert len(table) == 7


def test_what_was_closed_first_gives_its_bytes_first() -> None:
    table = FlowTable(dataclasses.replace(DEFAULT, open_bytes=1000))
    talks = [closing(port, b"x" * 300, SECOND + 9 - port) for port in range(5)]
    table.observe(block_of([*talks, Sent((CLIENT[0], 9), SERVER, 1, b"x" * 300)]))
    given = list(table.ended())

    assert [e.stream for e in given] == [4, 3, 2, 1]
    assert {name for e in given for name in e.limits} == set()
    assert [e.stream for e in table.evidence()] == [0, 5]


def test_slots_are_used_again_without_a_trace() -> None:
    table = FlowTable()
    for number in range(50):
        port = number + 1
        first = 2 * number + 1
        closed = Sent(SERVER, (CLIENT[0], port), 1, b"no", flags=RST)
        table.observe(block_of([opened(port), closed], first))
        (evidence,) = list(table.ended(quiet=True))

        assert evidence.stream == number
        assert [half.packets for half in evidence.halves] == [1, 1]
        assert evidence.halves[0].first_frame == first
        assert sum(len(half.pieces) for half in evidence.halves) == 1
    assert len(table) == 0


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(-1, 99)), max_size=200))
def test_the_ledger_knows_the_newest_of_each_key(added: list[tuple[int, int]]) -> None:
    ledger = Ledger(most=1000)
    ledger._recent_most = 7
    for key, base in added:
        ledger.add([key], [(base, -1)])
    newest = dict(added)
    asked = np.arange(50, dtype=np.uint64)

    assert ledger.known(asked).tolist() == [key in newest for key in range(50)]
    for key in range(50):
        expected = (newest[key], -1) if key in newest else None
        assert ledger.bases(key) == expected


def test_the_ledger_forgets_the_oldest() -> None:
    ledger = Ledger(most=10)
    ledger._recent_most = 4
    for key in range(1000):
        ledger.add([key], [(0, 0)])

    assert len(ledger) <= 40
    assert ledger.known(np.array([999, 0], np.uint64)).tolist() == [True, False]
