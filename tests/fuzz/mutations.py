"""Damage as hypothesis draws it: bytes overwritten, dropped, repeated, moved from another file."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

_TELLING = (b"\0", b"\xff", b"\x01", bytes(4), b"\xff" * 4, b"\x7f\xff", b"\x16\x03\x01", b"\x80")


@st.composite
def damaged(draw: st.DrawFn, files: Sequence[bytes]) -> bytes:
    """One of some files with its bytes changed in a few places."""
    file = bytearray(draw(st.sampled_from(files)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(len(file) - 1, 0)))
        size = draw(st.integers(0, 40))
        match draw(st.sampled_from(["overwrite", "drop", "repeat", "splice", "random"])):
            case "overwrite":
                new = draw(st.sampled_from(_TELLING))
                file[at : at + len(new)] = new
            case "drop":
                del file[at : at + size]
            case "repeat":
                file[at:at] = file[at : at + size] * draw(st.integers(1, 20))
            case "splice":
                other = draw(st.sampled_from(files))
                begin = draw(st.integers(0, len(other)))
                file[at : at + size] = other[begin : begin + draw(st.integers(0, 400))]
            case _:
                file[at : at + size] = draw(st.binary(max_size=40))
    return bytes(file)
