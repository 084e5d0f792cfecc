"""The pages of docs/ that are made from the code, so that they cannot go stale.

``python -m tests.support.pages`` writes them anew: the catalogue of rules, and an example of every
format. A test compares.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

import analyzer.limits
from analyzer import Report, analyze, rules
from analyzer.diagnosis.model import RuleModule
from analyzer.gate import tell
from analyzer.gate.compare import compare
from analyzer.gate.expectation import Expectation, Row
from analyzer.gate.verdict import SCHEMA_VERSION, Checked, CheckReport, summary_of
from analyzer.limits import DEFAULT
from analyzer.report.console import render_console
from analyzer.report.formats import Format, Style, renderer
from analyzer.report.machine import render_json
from analyzer.report.page import Page
from analyzer.report.template import Template, shipped

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
EXAMPLES = DOCS / "examples"
SAMPLE = "sample_pcaps/cert_expired.pcap"

_BOUNDS: Final = re.compile(r"(<!-- limits -->).*(<!-- /limits -->)", re.DOTALL)
_SUFFIX: Final = {Format.TEXT: "txt", Format.MARKDOWN: "md", Format.JUNIT: "junit.xml"}


def made() -> dict[Path, str]:
    """All pages, by where they stand."""
    return {DOCS / "rules.md": catalogue(), DOCS / "limits.md": limits(), **examples()}


def limits() -> str:
    """The page of limits, with the bounds as they stand in the code."""
    code = inspect.getsource(analyzer.limits)
    rows = [
        f"| `{name}` | {getattr(DEFAULT, name):,} | {words} |"
        for name, words in re.findall(r"(?m)^    (\w+): int = [^#\n]+# (.*)$", code)
    ]
    table = "\n".join(["| name | default | |", "|---|---|---|", *rows])
    text = (DOCS / "limits.md").read_text(encoding="utf-8")
    return _BOUNDS.sub(lambda block: f"{block[1]}\n{table}\n{block[2]}", text)


def examples() -> dict[Path, str]:
    """The sample in every format, and through every template."""
    with contextlib.chdir(ROOT):
        report = analyze(SAMPLE)
    told = {f"report.{_SUFFIX.get(form, form.value)}": _written(report, form) for form in Format}
    for name in shipped():
        sink = _sink()
        Template.read(name, ["project=OPS"]).write(report, sink, Style())
        told[f"{name}.json"] = _text(sink)
    return {EXAMPLES / name: text for name, text in (told | gates(report)).items()}


def gates(report: Report) -> dict[str, str]:
    """What ``check`` says of the sample where another cause is expected."""
    wrong = Row(stream=0, outcome="failed", cause="untrusted_ca", remedy_side="client")
    differences = tuple(compare(Expectation(connections=(wrong,)), report))
    entry = Checked(
        capture=SAMPLE,
        expectation=SAMPLE.replace(".pcap", ".expect.json"),
        verdict="differs",
        connections=len(report.connections),
        differences=differences,
        problem=None,
    )
    told = CheckReport(
        schema_version=SCHEMA_VERSION,
        tool=report.tool,
        summary=summary_of((entry,)),
        captures=(entry,),
    )
    sink = _sink()
    tell.tell(Page(sink, colour=False, width=80), told)
    return {
        "check.txt": _text(sink),
        "check.junit.xml": tell.render_junit(told),
        "check.github.txt": "".join(f"{line}\n" for line in tell.github_lines(told)),
        "check.json": render_json(told).decode(),
    }


def _written(report: Report, form: Format) -> str:
    sink = _sink()
    if form is Format.TEXT:
        render_console(report, sink, width=80, colour=False)
    else:
        renderer(form)(report, sink, Style())
    return _text(sink)


def _sink() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n")


def _text(sink: io.TextIOWrapper) -> str:
    sink.seek(0)
    return sink.read()


def catalogue() -> str:
    """The page of all rules, a section for each family."""
    families: dict[str, list[RuleModule]] = {}
    for module in rules.modules().values():
        family = inspect.getmodule(module.check).__name__.rpartition(".")[0]  # type: ignore[union-attr]
        families.setdefault(family, []).append(module)
    return "\n".join(_catalogue(dict(sorted(families.items())))) + "\n"


def _catalogue(families: dict[str, list[RuleModule]]) -> Iterator[str]:
    count = sum(len(members) for members in families.values())
    yield "# Rules"
    yield ""
    yield f"The {count} diagnoses, made from the code by `make docs`. `handshake-analyzer explain ID` prints the page of one,"
    yield "[writing a rule](writing-a-rule.md) says how one comes to be. Ids and causes are never renamed."
    yield ""
    for family, members in families.items():
        package = import_module(family)
        yield f"* [{_heading(family)}](#{_heading(family).lower().replace(' ', '-')}): {_first(package.__doc__)}"
        for module in members:
            rule = module.RULE
            yield f"  * [{rule.id}](#{rule.id.lower()}) `{rule.cause}`: {rule.title}"
    for family, members in families.items():
        yield from ("", f"## {_heading(family)}", "", _first(import_module(family).__doc__))
        for module in members:
            yield from _page(module)


def _page(module: RuleModule) -> Iterator[str]:
    rule = module.RULE
    yield from ("", f'<a id="{rule.id.lower()}"></a>', "", f"### {rule.id}: {rule.title}", "")
    yield f"`{rule.name}` · cause `{rule.cause}` · phase `{rule.phase.value}`"
    if rule.references:
        yield f"· {'; '.join(rule.references)}"
    yield ""
    text = inspect.cleandoc(module.__doc__ or "")
    yield re.sub(r"(?m)^## (.*)\n(?=\S)", r"#### \1\n\n", text)


def _heading(family: str) -> str:
    name = family.rpartition(".")[2].replace("_", " ").capitalize()
    return name.replace("Datapower", "DataPower").replace("tls", "TLS")


def _first(doc: str | None) -> str:
    return " ".join((doc or "").partition("\n\n")[0].split())


def main() -> None:
    pages = made()
    EXAMPLES.mkdir(parents=True, exist_ok=True)
    for path in set(EXAMPLES.iterdir()) - set(pages):
        path.unlink()
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8", newline="\n")
    sys.stdout.write(f"{len(pages)} pages\n")


if __name__ == "__main__":
    main()
