"""The pictures of README and docs: the HTML report as a browser shows it.

``python -m tests.support.screenshots`` makes them anew; it needs playwright and Chromium.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from analyzer.pipeline import Analysis
from analyzer.report.formats import Style
from analyzer.report.html import page

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1180, 860


def main() -> None:
    """Take all pictures."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("google-chrome")
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as folder:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        one = _page(["sample_pcaps/cert_expired.pcap"], Path(folder) / "one.html")
        _take(browser, one, "report.png")
        many = sorted((ROOT / "tests/bench/recorded").glob("cert-*.pcap"))
        several = _page([str(path.relative_to(ROOT)) for path in many], Path(folder) / "many.html")
        _take(browser, several, "overview-dark.png", color_scheme="dark")
        browser.close()


def _page(captures: list[str], file: Path) -> Path:
    file.write_text(page(Analysis(captures).report(), Style()), encoding="utf-8")
    return file


def _take(browser: Any, file: Path, name: str, **look: str) -> None:
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, **look)
    shown = context.new_page()
    shown.goto(file.as_uri())
    shown.wait_for_selector("tr.row")
    shown.screenshot(path=IMAGES / name)
    context.close()


if __name__ == "__main__":
    main()
