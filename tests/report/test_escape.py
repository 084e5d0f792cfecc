from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.report.escape import encodable, fits, one_line, printable, simplify


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        pytest.param("api.example.com", "api.example.com", id="plain text stays"),
        pytest.param("Müller ☃", "Müller ☃", id="letters of any script stay"),
        pytest.param("\x1b[2J", "\\x1b[2J", id="a terminal's escape sequence"),
        pytest.param("\x9b2J", "\\x9b2J", id="the one-byte form of it"),
        pytest.param("a\nb\tc\x00", "a\\x0ab\\x09c\\x00", id="line breaks and NUL"),
        pytest.param("\u202egro", "\\u202egro", id="turned direction"),
        pytest.param("pay\u200bpal", "pay\\u200bpal", id="invisible"),
        pytest.param("\ud800", "\\ud800", id="half a surrogate pair"),
    ],
)
def test_printable(text: str, safe: str) -> None:
    assert printable(text) == safe


@given(st.text(st.characters()))
def test_what_is_printable_stays_so(text: str) -> None:
    once = printable(text)

    assert printable(once) == once
    once.encode()


@given(st.text(st.characters()))
def test_any_text_can_be_encoded(text: str) -> None:
    encodable(text).encode()


def test_a_file_name_that_is_not_utf8_shows_its_bytes() -> None:
    assert encodable(b"tr\xe4ce.pcap".decode("utf-8", "surrogateescape")) == "tr\\xe4ce.pcap"


def test_messages_stay_on_one_line() -> None:
    assert one_line("no\nsuch \r\n  file\x1b") == "no such file\\x1b"


def test_typography_is_simplified_only_where_it_must_be() -> None:
    assert simplify("§7 – “a” → ü", "utf-8") == "§7 – “a” → ü"
    assert simplify("§7 – “a” → ü", "ascii") == 'section 7 - "a" -> ü'
    assert not fits("✗", "latin-1")
    assert not fits("x", "no such encoding")
