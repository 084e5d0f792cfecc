"""The bounded reader: what it reads, and how it says what it cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.errors import DecodeError, DefectKind
from analyzer.tls.wire import Reader, printable


def test_numbers_are_big_endian() -> None:
    reader = Reader.over(bytes.fromhex("01 0203 040506"), "message")

    assert [reader.uint(width, "n") for width in (1, 2, 3)] == [1, 0x0203, 0x040506]
    reader.done()


def test_a_vector_is_a_window_with_offsets_of_the_whole() -> None:
    reader = Reader.over(bytes.fromhex("ff 0003 aabbcc dd"), "message")
    reader.uint(1, "first")
    inner = reader.vector(2, "list")
    inner.raw(2, "pair")

    with pytest.raises(DecodeError) as caught:
        inner.uint(2, "next")

    defect = caught.value.defect
    assert (defect.field, defect.offset) == ("message.list.next", 5)
    assert reader.rest() == b"\xdd"


@pytest.mark.parametrize(
    ("wire", "kind", "offset"),
    [
        pytest.param("00", DefectKind.OVERRUN, 0, id="no room for the length"),
        pytest.param("0005 0102", DefectKind.OVERRUN, 2, id="longer than the container"),
        pytest.param("0000", DefectKind.OUT_OF_RANGE, 0, id="shorter than the RFC allows"),
        pytest.param("0009 010203040506070809", DefectKind.OUT_OF_RANGE, 0, id="longer than that"),
    ],
)
def test_vectors_that_lie(wire: str, kind: DefectKind, offset: int) -> None:
    reader = Reader.over(bytes.fromhex(wire), "message")

    with pytest.raises(DecodeError) as caught:
        reader.vector(2, "list", low=1, high=8)

    assert (caught.value.defect.kind, caught.value.defect.offset) == (kind, offset)
    assert caught.value.defect.field == "message.list"


@pytest.mark.parametrize("body", ["07 aabbccddeeff11", "01 aa"])
def test_bounds_of_a_vector_belong_to_it(body: str) -> None:
    reader = Reader.over(bytes.fromhex(body), "message")

    assert reader.vector(1, "list", low=1, high=7).rest() == bytes.fromhex(body)[1:]


@pytest.mark.parametrize(
    ("wire", "detail"),
    [
        ("00", "needs 2 bytes, 1 left"),
        ("0003 aabb", "needs 3 bytes, 2 left"),
        ("0001 aa", "length 1 is less than 2"),
    ],
)
def test_what_is_missing_is_said_in_bytes(wire: str, detail: str) -> None:
    with pytest.raises(DecodeError) as caught:
        Reader.over(bytes.fromhex(wire), "message").opaque(2, "name", low=2)

    assert caught.value.defect.detail == detail


def test_bytes_left_over_are_a_defect() -> None:
    reader = Reader.over(b"abc", "message")
    reader.raw(1, "first")

    with pytest.raises(DecodeError) as caught:
        reader.done()

    assert caught.value.defect.kind is DefectKind.TRAILING
    assert caught.value.defect.offset == 1


@given(st.binary(max_size=40), st.lists(st.tuples(st.sampled_from("urvo"), st.integers(1, 4))))
def test_a_reader_never_leaves_its_window(data: bytes, steps: list[tuple[str, int]]) -> None:
    reader = Reader.over(b"##" + data + b"##", "message")
    reader.pos, reader.end = 2, 2 + len(data)
    caught: list[DecodeError] = []
    for kind, width in steps:
        try:
            if kind == "v":
                reader = reader.vector(width, "n")
            else:
                {"u": reader.uint, "r": reader.raw, "o": reader.opaque}[kind](width, "n")
        except DecodeError as error:
            caught.append(error)
        assert 2 <= reader.pos <= reader.end <= 2 + len(data)

    assert all(2 <= error.defect.offset <= 2 + len(data) for error in caught)


@given(st.binary(max_size=8), st.binary(max_size=8))
def test_printable_text_is_ascii_and_keeps_different_bytes_apart(one: bytes, other: bytes) -> None:
    assert printable(one).isascii()
    assert printable(one).isprintable()
    assert (printable(one) == printable(other)) == (one == other)
