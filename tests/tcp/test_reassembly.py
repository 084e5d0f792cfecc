"""One direction in order: tables of segments in, bytes and gaps out."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tcp.evidence import NOTHING, Half, Piece
from analyzer.tcp.reassembly import Chunk, Stream, assemble

ISN = 0xFFFF_FFF0  # so that every stream of some length wraps
TEXT = b"a handshake in many segments"


def half_of(*segments: tuple[int, bytes], cut: int = 0) -> Half:
    """A half whose segments begin at the given offsets, captured in this order."""
    pieces = tuple(
        Piece((ISN + 1 + at) % 2**32, data, (len(data),), (frame,), (frame * 10,), (-1,), cut)
        for frame, (at, data) in enumerate(segments, start=1)
    )
    return Half(pieces=pieces, packets=len(pieces), payload=sum(len(d) for _, d in segments))


def stream_of(*segments: tuple[int, bytes], peer: Half = NOTHING) -> Stream:
    return assemble(half_of(*segments), peer, ISN)


@pytest.mark.parametrize(
    "segments",
    [
        pytest.param([(0, TEXT)], id="whole"),
        pytest.param([(0, TEXT[:9]), (9, TEXT[9:])], id="two"),
        pytest.param([(9, TEXT[9:]), (0, TEXT[:9])], id="out of order"),
        pytest.param([(0, TEXT[:9]), (0, TEXT[:9]), (9, TEXT[9:])], id="retransmitted"),
        pytest.param([(0, TEXT[:12]), (5, TEXT[5:])], id="overlapping"),
        pytest.param([(5, TEXT[5:9]), (0, TEXT)], id="a larger segment around a smaller"),
        pytest.param([(0, TEXT), (len(TEXT) - 1, b"s")], id="keep-alive"),
        pytest.param([(0, TEXT), (len(TEXT) - 1, b"?")], id="keep-alive with a byte of its own"),
        pytest.param([(-1, b"?"), (0, TEXT)], id="keep-alive before the first byte"),
    ],
)
def test_segments_in_any_shape_give_the_same_bytes(segments: list[tuple[int, bytes]]) -> None:
    stream = stream_of(*segments)

    assert stream.chunks == (Chunk(0, TEXT),)
    assert stream.gaps == ()
    assert stream.conflicts == 0


def test_the_first_copy_wins_and_a_different_one_is_counted() -> None:
    stream = stream_of((0, b"first"), (0, b"later"))

    assert stream.chunks == (Chunk(0, b"first"),)
    assert (stream.conflicts, stream.retransmissions) == (1, 1)


def test_a_keep_alive_is_no_retransmission() -> None:
    assert stream_of((0, TEXT), (len(TEXT) - 1, b"\0")).retransmissions == 0


@pytest.mark.parametrize(
    ("acknowledged", "known"), [(None, None), (5, False), (28, True)], ids=["blind", "no", "yes"]
)
def test_a_gap_says_whether_the_peer_had_the_bytes(
    acknowledged: int | None, known: bool | None
) -> None:
    peer = Half(acknowledged=None if acknowledged is None else (ISN + 1 + acknowledged) % 2**32)
    stream = stream_of((0, TEXT[:5]), (20, TEXT[20:]), peer=peer)
    (gap,) = stream.gaps

    assert [chunk.offset for chunk in stream.chunks] == [0, 20]
    assert (gap.offset, gap.length, gap.kind, gap.acknowledged) == (5, 15, "lost", known)


def test_bytes_that_the_snap_length_cut_are_a_gap_of_that_kind() -> None:
    stream = assemble(half_of((0, TEXT[:5]), cut=7), NOTHING, ISN)
    (gap,) = stream.gaps

    assert (gap.offset, gap.length, gap.kind) == (5, 7, "snaplen")


def test_without_a_syn_the_lowest_byte_is_the_first() -> None:
    stream = assemble(half_of((9, b"b"), (8, b"a")), NOTHING, None)

    assert stream.chunks == (Chunk(0, b"ab"),)
    assert stream.starts_midstream


def test_every_byte_knows_its_frame_and_an_end_knows_the_last_frame_it_needed() -> None:
    stream = stream_of((10, TEXT[10:]), (0, TEXT[:10]))

    assert (stream.locate(0).frame, stream.locate(10).frame) == (2, 1)
    assert (stream.arrived(10).frame, stream.arrived(len(TEXT)).frame) == (2, 2)


@given(st.data())
def test_any_cutting_reordering_and_repeating_gives_the_bytes_back(data: st.DataObject) -> None:
    sent = data.draw(st.binary(min_size=1, max_size=60))
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(sent) - 1)), max_size=6)))
    borders = [0, *[cut for cut in cuts if cut < len(sent)], len(sent)]
    segments = [(a, sent[a:b]) for a, b in itertools.pairwise(borders)]
    shuffled = data.draw(st.permutations(segments + data.draw(st.lists(st.sampled_from(segments)))))

    assert stream_of(*shuffled).chunks == (Chunk(0, sent),)
