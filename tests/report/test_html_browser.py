"""The page in headless Chromium, as a reader uses it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analyzer.report.formats import Style
from analyzer.report.html import page as made
from analyzer.report.schema import Report
from tests.report.reports import connection, finding, good, group, report
from tests.report.test_formats import NAMES, hostile

playwright = pytest.importorskip("playwright.sync_api", reason="pip install '.[browser]'")
pytestmark = [pytest.mark.peer, pytest.mark.slow]


class Reader:
    """A page of a browser, with all that it complained of and asked for."""

    def __init__(self, context: Any, folder: Path) -> None:
        self.page = context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._folder = folder
        self.page.on("console", lambda m: self.complaints.append(f"{m.type}: {m.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def opens(self, told: Report, fragment: str = "") -> float:
        """Open the page of a report; seconds until its rows are there."""
        file = self._folder / "report.html"
        file.write_text(made(told, Style()), encoding="utf-8")
        begin = time.monotonic()
        self.page.goto(f"{file.as_uri()}{fragment}")
        self.page.wait_for_selector("tr.row", timeout=10_000)
        return time.monotonic() - begin

    def sees(self, selector: str) -> list[str]:
        """The texts of the elements that are visible."""
        return [e.inner_text() for e in self.page.query_selector_all(selector) if e.is_visible()]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def reader(browser: Any, tmp_path: Path) -> Iterator[Reader]:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    one = Reader(context, tmp_path)
    yield one
    assert one.complaints == []
    assert all(url.startswith("file://") for url in one.requests)
    assert len(one.requests) == 1
    context.close()


MIXED = report(connection(stream=0), good(1), good(2), connection(stream=3), groups=(group(),))


def test_a_filter_leaves_what_matches(reader: Reader) -> None:
    reader.opens(MIXED)
    assert len(reader.sees("tr.row")) == 4

    reader.page.click("#outcomes button:has-text('failed')")
    assert len(reader.sees("tr.row")) == 2
    reader.page.fill("#search", "no such thing")
    reader.page.wait_for_selector("text=0 of 4 connections")
    assert reader.sees("tr.row") == []
    reader.page.click("#clear")
    assert len(reader.sees("tr.row")) == 4


def test_times_of_the_table_have_their_zone(reader: Reader) -> None:
    reader.opens(MIXED)

    assert reader.sees("thead th")[1] == "Time, UTC"


def test_a_card_chooses_its_failures(reader: Reader) -> None:
    reader.opens(MIXED)
    reader.page.click(".card")

    assert len(reader.sees("tr.row")) == 2
    assert reader.page.get_attribute(".card", "aria-pressed") == "true"


def test_a_card_says_where_to_change_something(reader: Reader) -> None:
    reader.opens(MIXED)

    assert reader.sees(".card em") == ["change on the client"]


def test_without_scripts_only_what_works_is_there(browser: Any, tmp_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    reader = Reader(context, tmp_path)
    (tmp_path / "report.html").write_text(made(MIXED, Style()), encoding="utf-8")
    reader.page.goto((tmp_path / "report.html").as_uri())

    assert reader.sees("button, input, select, table") == []
    assert "does not trust" in reader.sees("noscript")[0]
    context.close()


def test_a_command_is_set_apart(reader: Reader) -> None:
    step = "Look: openssl s_client -connect a:443 </dev/null"
    reader.opens(report(connection(diagnosis=finding(remedy=("Change it.", step)))))

    assert reader.sees(".remedy code") == ["openssl s_client -connect a:443 </dev/null"]
    assert reader.sees(".remedy li") == ["Change it.", step]


def test_a_connection_is_opened_and_closed(reader: Reader) -> None:
    reader.opens(report(connection(), connection(stream=1), good(2)))
    assert reader.sees(".panel") == []

    reader.page.click("#stream-0")
    (told,) = reader.sees(".panel")
    assert "What to change" in told
    assert "Evidence" in told
    assert len(reader.page.query_selector_all(".ladder svg .arrow")) == 4
    assert len(reader.page.query_selector_all(".ladder svg .arrow.wrong")) == 1
    reader.page.click("#stream-0")
    assert reader.sees(".panel") == []


def test_the_wireshark_filter_is_copied(reader: Reader) -> None:
    reader.opens(report(connection(stream=7)))
    reader.page.click(".copy")
    reader.page.wait_for_selector("text=Copied")

    assert reader.page.evaluate("navigator.clipboard.readText()") == "tcp.stream eq 7"


def test_it_works_from_the_keyboard(reader: Reader) -> None:
    reader.opens(MIXED)
    reader.page.keyboard.press("/")
    reader.page.keyboard.type("failed")
    reader.page.wait_for_selector("text=2 of 4 connections")
    reader.page.focus("#stream-0")
    reader.page.keyboard.press("Enter")

    assert len(reader.sees(".panel")) == 1
    assert reader.page.input_value("#search") == "failed"


def test_a_link_leads_to_a_connection(reader: Reader) -> None:
    reader.opens(MIXED, "#stream-3")

    assert reader.page.get_attribute("#stream-3", "aria-expanded") == "true"


@pytest.mark.parametrize("width", [320, 390, 760])
def test_on_a_small_screen_only_the_drawing_is_moved_sideways(reader: Reader, width: int) -> None:
    """Who is on call reads it on a telephone."""
    reader.page.set_viewport_size({"width": width, "height": 800})
    reader.opens(MIXED, "#stream-0")

    assert reader.page.evaluate("document.documentElement.scrollWidth") <= width


def test_dark_and_light_are_the_readers_choice(reader: Reader) -> None:
    reader.opens(MIXED)
    colour = "getComputedStyle(document.body).backgroundColor"
    before = reader.page.evaluate(colour)
    reader.page.click("#theme")

    assert reader.page.evaluate(colour) != before


@pytest.mark.parametrize("name", ["html", "bidi", "terminal", "json"])
def test_a_hostile_name_stays_text(reader: Reader, name: str) -> None:
    reader.opens(hostile(NAMES[name]))
    if not reader.sees(".panel"):
        reader.page.click(".open")

    assert reader.page.evaluate("document.images.length") == 0
    assert reader.page.evaluate("document.scripts.length") == 3
    text = reader.page.evaluate("document.querySelector('main').innerText")
    assert not set(text) & set("\u202e\u2066\u200f\x1b\x07\u2028")


def test_ten_thousand_connections_open_in_two_seconds(reader: Reader) -> None:
    ends = [connection(stream=n) if n % 7 == 0 else good(n) for n in range(10_000)]

    assert reader.opens(report(*ends, groups=(group(count=1_429),))) < 2.0
    assert reader.sees("#count") == ["1,429 of 10,000 connections"]


def test_on_paper_an_example_of_each_failure_is_open(reader: Reader) -> None:
    reader.opens(report(connection(), connection(stream=1), good(2), groups=(group(),)))
    reader.page.click("#clear")
    reader.page.evaluate("dispatchEvent(new Event('beforeprint'))")

    assert len(reader.page.query_selector_all(".panel")) == 1
