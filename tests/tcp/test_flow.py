"""Connections from columns: numbering, selection, and independence of block borders."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.limits import DEFAULT, Limits
from analyzer.tcp.evidence import NOTHING, Evidence
from analyzer.tcp.flow import FlowTable
from analyzer.tcp.reassembly import assemble
from tests.support.segments import CLIENT, SERVER, Sent, block_of

SYN, FIN, RST, ACK = 2, 1, 4, 16
OTHER = (CLIENT[0], 50_001)


def gather(*blocks: list[Sent], limits: Limits = DEFAULT) -> list[Evidence]:
    table = FlowTable(limits)
    frame = 1
    for sent in blocks:
        table.observe(block_of(sent, frame))
        frame += len(sent)
    return list(table.evidence())


def content(evidence: Evidence) -> object:
    """What evidence says, whatever pieces its bytes were kept in."""
    halves = [
        (
            assemble(half, evidence.halves[1 - index], None),
            half._replace(pieces=()),
        )
        for index, half in enumerate(evidence.halves)
    ]
    return evidence._replace(halves=(NOTHING, NOTHING)), halves


OPENED = [
    Sent(CLIENT, SERVER, 100, flags=SYN),
    Sent(SERVER, CLIENT, 900, flags=SYN | ACK, acknowledgment=101),
]


@pytest.mark.parametrize(
    ("sent", "streams"),
    [
        pytest.param([*OPENED, Sent(CLIENT, SERVER, 100, flags=SYN)], 1, id="SYN again"),
        pytest.param([*OPENED, Sent(CLIENT, SERVER, 777, flags=SYN)], 2, id="port reuse"),
        pytest.param(
            [*OPENED, Sent(CLIENT, SERVER, 101, flags=FIN), Sent(CLIENT, SERVER, 100, flags=SYN)],
            1,
            id="same SYN after FIN",
        ),
        pytest.param([*OPENED, Sent(OTHER, SERVER, 1, flags=SYN)], 2, id="another port"),
        pytest.param([OPENED[1], OPENED[0]], 1, id="SYN-ACK captured first"),
    ],
)
@pytest.mark.parametrize("border", range(4))
def test_streams_are_numbered_as_wireshark_does(
    sent: list[Sent], streams: int, border: int
) -> None:
    found = gather(sent[:border], sent[border:])

    assert [evidence.stream for evidence in found] == list(range(streams))


def test_segments_that_follow_each_other_become_one_piece() -> None:
    (evidence,) = gather([Sent(CLIENT, SERVER, 5, b"ab"), Sent(CLIENT, SERVER, 7, b"c")])
    (piece,) = evidence.halves[0].pieces

    assert (piece.data, piece.ends, piece.frames) == (b"abc", (2, 3), (1, 2))


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "refused and sent again"])
def test_data_in_the_syn_comes_behind_its_number(taken: bool) -> None:
    rest = [Sent(CLIENT, SERVER, 103, b"c")] if taken else [Sent(CLIENT, SERVER, 101, b"abc")]
    (evidence,) = gather([Sent(CLIENT, SERVER, 100, b"ab", flags=SYN), OPENED[1], *rest])
    stream = assemble(evidence.halves[0], evidence.halves[1], 100)

    assert [(chunk.offset, chunk.data) for chunk in stream.chunks] == [(0, b"abc")]
    assert stream.conflicts == 0


def test_what_speaks_no_tls_is_dismissed_after_its_opening() -> None:
    small = dataclasses.replace(DEFAULT, half_opening=10, half_bytes=100)
    sent = [Sent(CLIENT, SERVER, 10 * i, b"\x00" * 10) for i in range(50)]
    (evidence,) = gather(sent, limits=small)

    assert sum(len(p.data) for p in evidence.halves[0].pieces) == 10
    assert evidence.halves[0].left_out == 490
    assert evidence.halves[0].payload == 500


def test_a_long_clear_handshake_is_kept_beyond_the_limits_within_one_block() -> None:
    small = dataclasses.replace(DEFAULT, half_opening=64, half_bytes=128, half_bytes_most=1 << 16)
    record = b"\x16\x03\x03\x10\x00" + bytes(4096)
    data = record * 3
    sent = [Sent(SERVER, CLIENT, at, data[at : at + 100]) for at in range(0, len(data), 100)]
    (evidence,) = gather(sent, limits=small)

    assert sum(len(p.data) for p in evidence.halves[1].pieces) == len(data)


def test_application_data_beyond_the_limit_is_dismissed_but_an_alert_is_kept() -> None:
    small = dataclasses.replace(DEFAULT, half_opening=64, half_bytes=128)
    data = (b"\x17\x03\x03\x00\x5f" + bytes(95)) * 40
    sent = [Sent(SERVER, CLIENT, at, data[at : at + 100]) for at in range(0, len(data), 100)]
    alert = b"\x15\x03\x03\x00\x1a" + bytes(26)
    (evidence,) = gather([*sent, Sent(SERVER, CLIENT, len(data), alert)], limits=small)
    pieces = evidence.halves[1].pieces

    assert pieces[-1].data == alert
    assert sum(len(p.data) for p in pieces[:-1]) < 400


SEGMENTS = st.builds(
    Sent,
    source=st.sampled_from([CLIENT, OTHER]),
    target=st.just(SERVER),
    sequence=st.integers(0, 40),
    data=st.binary(max_size=5),
    flags=st.sampled_from([ACK, ACK, ACK, SYN, SYN | ACK, FIN | ACK, RST]),
    acknowledgment=st.integers(0, 40),
)


@st.composite
def conversations(draw: st.DrawFn) -> list[Sent]:
    sent = draw(st.lists(SEGMENTS, min_size=1, max_size=14))
    turned = draw(st.lists(st.booleans(), min_size=len(sent), max_size=len(sent)))
    return [
        dataclasses.replace(s, source=s.target, target=s.source) if turn else s
        for s, turn in zip(sent, turned, strict=True)
    ]


@settings(max_examples=300)
@given(conversations(), st.integers(0, 14))
def test_block_borders_change_nothing(sent: list[Sent], border: int) -> None:
    whole = [content(e) for e in gather(sent)]

    assert [content(e) for e in gather(sent[:border], sent[border:])] == whole
    assert [content(e) for e in gather(*[[s] for s in sent])] == whole
