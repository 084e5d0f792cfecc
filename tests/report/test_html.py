"""The page as bytes: it holds all, loads nothing, and what it allows itself is just what it holds."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import msgspec
import pytest

from analyzer.report.formats import Style
from analyzer.report.html import answer_of, details, overview, page
from analyzer.report.schema import Connection
from tests.report.reports import connection, failing, good, group, report
from tests.report.test_formats import NAMES, hostile


class Elements(HTMLParser):
    """Collects elements, their attributes, and the text of style and script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[str, str]] = []
        self.inside: str | None = None  # a style or script, by its id
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.inside = dict(attrs).get("id") or tag if tag in {"style", "script"} else None

    def handle_endtag(self, _: str) -> None:
        self.inside = None

    def handle_data(self, data: str) -> None:
        if self.inside is not None:
            self.raw.append((self.inside, data))

    def text_of(self, name: str) -> str:
        return "".join(data for owner, data in self.raw if owner == name)


def sha256(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def test_the_policy_allows_this_style_and_this_script_and_nothing_else() -> None:
    found = Elements(page(failing(), Style()))
    (policy,) = (a["content"] for t, a in found.found if t == "meta" and "http-equiv" in a)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))

    assert rules.pop("img-src") == "data:"
    assert rules.pop("script-src") == sha256(found.text_of("script"))
    assert rules.pop("style-src") == sha256(found.text_of("style"))
    assert set(rules.values()) == {"'none'"}
    assert {"default-src", "base-uri", "form-action"} == rules.keys()


def test_nothing_is_loaded_and_no_attribute_is_code() -> None:
    for _, attributes in Elements(page(failing(), Style())).found:
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name != "style"
            if name in {"src", "href", "action", "data"}:
                assert value is not None
                assert value.startswith(("#", "data:,"))


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_adds_no_element(name: str) -> None:
    plain = Elements(page(hostile("plain"), Style()))
    found = Elements(page(hostile(NAMES[name]), Style()))

    assert found.found == plain.found
    assert (
        json.loads(found.text_of("overview"))["rows"][0][5]
        == hostile(NAMES[name]).connections[0].tls.sni
    )


def test_details_are_the_connections_of_the_report() -> None:
    told = report(connection(), good(1))
    found = json.loads(Elements(page(told, Style())).text_of("details"))

    back = [msgspec.convert(one["connection"], Connection) for one in found.values()]
    assert back == list(told.connections)
    assert [rung["words"] for rung in found["0"]["rungs"]][-1] == "closes the connection (FIN)"


def test_of_very_many_equal_failures_only_the_first_are_in_full() -> None:
    many = tuple(connection(stream=number) for number in range(200))
    told = report(*many, groups=(group(count=200),))

    assert len(overview(told, Style())["rows"]) == 200
    assert list(details(told, Style())) == [str(number) for number in range(40)]
    assert len(details(told, Style(verbose=True))) == 200


def test_a_row_tells_its_group_and_its_own_title_only_where_they_differ() -> None:
    one = connection()
    assert one.diagnosis is not None
    alike, other = group(title=one.diagnosis.title), group(title="another example")

    assert overview(report(one, groups=(alike,)), Style())["rows"][0][7:] == (0, None)
    assert overview(report(one, groups=(other,)), Style())["rows"][0][7:] == (
        0,
        one.diagnosis.title,
    )


def _cut() -> Connection:
    return connection(outcome="incomplete")


@pytest.mark.parametrize(
    ("told", "answer"),
    [
        (failing(), r"^\d+ of \d+ TLS connections failed\.$"),
        (report(good(0)), r"^The one TLS connection did not fail\.$"),
        (report(_cut()), r"^The capture does not show how the one TLS connection ended\.$"),
        (report(_cut(), good()), r"^None of 2 TLS .* is seen to fail; how 1 ended is not shown\.$"),
        (report(connection(), groups=(group(),)), r"^The one TLS connection failed\.$"),
        (report(), r"^No TCP connection was found; .*QUIC"),
    ],
)
def test_the_answer_comes_first(told: object, answer: str) -> None:
    assert re.search(answer, answer_of(told))  # type: ignore[arg-type]


def test_readers_without_scripts_have_the_text() -> None:
    text = page(failing(), Style())

    assert "<noscript>" in text
    assert "What to change" in text.split("<noscript>")[1]
