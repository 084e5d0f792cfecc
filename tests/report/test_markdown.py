from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec.structs import replace

from analyzer.report.escape import printable
from analyzer.report.formats import Style
from analyzer.report.markdown import cell, code, inline, lines, write_markdown
from analyzer.report.schema import Report
from tests.report.reports import connection, failing, finding, good, group, report

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HARMLESS = {"text", "code_inline", "softbreak"}


def shown(told: Report, **style: bool) -> str:
    return "\n".join(lines(told, Style(**style)))


def inner(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens for child in token.children or ()]


def read(text: str) -> str:
    """What a reader of the rendered paragraph sees; fails where markup came of the text."""
    tokens = READER.parse(text)

    assert [t.type for t in tokens] in (["paragraph_open", "inline", "paragraph_close"], [])
    assert {t.type for t in inner(tokens)} <= HARMLESS
    return "".join(t.content for t in inner(tokens))


@settings(deadline=None)
@given(
    st.text(alphabet=st.sampled_from("ab1 \\`*_{}[]()#+-.!|<>&~@$:=/\n\t\x1b\u202e"), max_size=30)
)
def test_a_reader_sees_the_text_and_no_markup(text: str) -> None:
    seen = " ".join(word for word in printable(text).split(" ") if word)

    assert read(inline(text)) == seen


@settings(deadline=None)
@given(st.text(alphabet="ab` |\\*<", min_size=1, max_size=12).filter(str.strip))
def test_a_cell_shows_its_code_and_nothing_follows(text: str) -> None:
    tokens = READER.parse(f"| x |\n|---|\n| {cell(code(text))} |\n")
    (_, found) = [t for t in tokens if t.type == "inline"]

    assert [(t.type, t.content) for t in found.children or ()] == [("code_inline", text)]


@pytest.mark.parametrize("word", ["@root", "https://evil.example", "www.evil.example", "#12", "!3"])
def test_what_a_forge_acts_on_is_code(word: str) -> None:
    (token,) = inner(READER.parse(inline(word)))

    assert (token.type, token.content) == ("code_inline", word)


def test_a_ticket_has_the_answer_the_evidence_and_the_commands() -> None:
    text = shown(failing())

    assert text.startswith("### 10.1.1.5 does not trust CN=Corp Issuing CA")
    assert "| 8 | client sent fatal alert unknown_ca (48) |" in text
    assert "handshake-analyzer trace.pcap --stream 0" in text
    assert "tshark -r trace.pcap -Y 'tcp.stream eq 0'" in text
    assert "1. Import the certificate of CN=Corp Root" in text


def test_a_command_is_code_and_can_be_copied() -> None:
    step = "Look: openssl s_client -connect a:443 </dev/null | grep `x`"
    text = shown(report(connection(diagnosis=finding(remedy=(step,))), groups=(group(),)))

    assert "1. Look: `` openssl s_client -connect a:443 </dev/null | grep `x` ``\n" in text


def test_only_what_offered_something_can_be_repeated() -> None:
    refused = replace(connection(), tls=replace(connection().tls, client_offers=None))

    assert "reproduce trace.pcap" in shown(failing())
    assert "reproduce trace.pcap" not in shown(report(refused, groups=(group(),)))


def test_several_kinds_of_failure_begin_with_a_table() -> None:
    other = connection(1, diagnosis=finding(cause="cert_expired", title="It expired"))
    groups = (group(), group(cause="cert_expired", title="It expired", example_stream=1))
    text = shown(report(connection(), other, groups=groups))

    assert text.startswith("**2 of 2 TLS connections failed.**")
    assert "| 1 | It expired | change on the client | `cert_expired` |" in text
    assert text.count("\n### ") == 2


def test_nothing_failed_is_said_in_a_line() -> None:
    assert shown(report(good())).startswith("**0 of 1 TLS connections failed.**")


def test_of_several_files_streams_are_found_by_their_ends() -> None:
    told = failing()
    text = shown(replace(told, captures=told.captures * 2))

    assert "| Wireshark | `ip.addr eq 10.1.1.5 and tcp.port eq 51234 and ip.addr eq" in text
    assert "tcp.stream eq" not in text
    assert "\n1: `trace.pcap`" in text


def test_what_is_incomplete_is_no_success() -> None:
    cut = finding(title="The capture ends", cause="capture_ended")
    told = report(*(connection(n, outcome="incomplete", diagnosis=cut) for n in (4, 7)))
    text = shown(told)

    assert "**The capture does not show how 2 connections ended**" in text
    assert "* `capture_ended`: The capture ends (stream 4) and 1 more like it" in text


def test_a_file_name_cannot_leave_its_command() -> None:
    told = failing()
    (capture,) = told.captures
    for path, quoted in (
        ("a b';id", "'a b'\"'\"';id'"),
        ("-x.pcap", "./-x.pcap"),
        ("a\nb", "'a\\x0ab'"),
    ):
        text = shown(replace(told, captures=(replace(capture, path=path),)))

        assert f"tshark -r {quoted} -Y" in text


def test_writing_is_the_lines() -> None:
    sink = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    write_markdown(failing(), sink, Style())
    sink.seek(0)

    assert sink.read() == shown(failing()) + "\n"
