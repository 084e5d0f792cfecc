"""Templates: any payload, with the report as its context.

A template is Jinja2 in a sandbox: it sees the report as plain data (the keys of ``--format json``)
and a few filters, and reaches neither Python nor files. Payloads are JSON, so every value goes
through ``tojson``, which gives a complete JSON string in ASCII.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final

import msgspec
from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from analyzer.errors import UsageError
from analyzer.limits import DEFAULT
from analyzer.report.chosen import only_chosen
from analyzer.report.escape import one_line, printable
from analyzer.report.formats import Style
from analyzer.report.ladder import endpoint_text, frame_text
from analyzer.report.markdown import code, inline, lines
from analyzer.report.schema import Endpoint, FileFrame, Frame, Report
from analyzer.report.times import clock
from analyzer.report.words import CHANGE, GAVE_UP, STEP, SURE

_FOLDER: Final = resources.files("analyzer.report") / "templates"


def shipped() -> list[str]:
    """The names of the templates that come with the program."""
    return sorted(
        entry.name.removesuffix(".j2") for entry in _FOLDER.iterdir() if entry.name.endswith(".j2")
    )


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read, and the values that it is given."""

    name: str
    source: str
    given: Mapping[str, str]

    @classmethod
    def read(cls, name: str, given: Sequence[str] = ()) -> Template:
        """Read a template: a file, or one that comes with the program.

        Raises:
            UsageError: There is no such template, or it cannot be read.
        """
        return cls(name, _source(name), dict(_parted(pair) for pair in given))

    def write(self, report: Report, sink: TextIOWrapper, style: Style) -> None:
        """Write what the template makes of a report.

        Raises:
            UsageError: The template is wrong, or asks for what the sandbox does not give.
        """
        try:
            template = _environment(style).from_string(self.source)
            text = template.render(_context(report, style, _Given(self.name, self.given)))
        except TemplateSyntaxError as error:
            where = f"{self.name}: line {error.lineno}"
            problem = one_line(error.message or "")
            raise UsageError(f"{where}: {problem}; correct the template") from None
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            problem = one_line(str(error)) or type(error).__name__
            raise UsageError(f"{self.name}: {problem}; see docs/tickets.md") from None
        sink.write(text.rstrip("\n") + "\n")


def _source(name: str) -> str:
    path = Path(name)
    if name.removesuffix(".j2") in shipped() and not path.exists():
        return (_FOLDER / f"{name.removesuffix('.j2')}.j2").read_text(encoding="utf-8")
    try:
        if path.stat().st_size > DEFAULT.template_bytes:
            raise UsageError(f"{name}: too long for a template; choose another file")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        known = ", ".join(shipped())
        raise UsageError(f"{name}: no such template; name a file, or one of {known}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{name}: not UTF-8 text; templates are text") from None


def _parted(pair: str) -> tuple[str, str]:
    key, equals, value = pair.partition("=")
    if not equals or not key.isidentifier():
        raise UsageError(f"--set {pair}: not NAME=VALUE; write it as in --set project=OPS")
    return key, value


def tojson(value: Any, indent: int | None = None) -> str:
    r"""Write a value as JSON in ASCII: nothing in it can end the string or move a terminal.

    >>> print(tojson('"</script>\u2028\x7f'))
    "\"\u003c/script\u003e\u2028\u007f"
    """
    text = json.dumps(value, ensure_ascii=True, indent=indent)
    for sign in "<>&\x7f":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _environment(style: Style) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters |= {
        "tojson": tojson,
        "plain": lambda text: printable(str(text)),
        "markdown": lambda text: inline(str(text)),
        "code": lambda text: code(str(text)),
        "clock": lambda time: clock(str(time), local=style.local),
        "endpoint": lambda end: endpoint_text(Endpoint(**end)),
        "frame": lambda frame: frame_text(_frame(frame)),
    }
    return environment


def _frame(frame: int | Mapping[str, int]) -> Frame:
    return frame if isinstance(frame, int) else FileFrame(**frame)


class _Given(dict[str, str]):
    """The values of ``--set``; one that a template must have and was not given is told by name."""

    def __init__(self, template: str, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self._template = template

    def __missing__(self, key: str) -> str:
        raise UsageError(f"{self._template}: needs a {key}; give it with --set {key}=VALUE")


def _context(report: Report, style: Style, given: Mapping[str, str]) -> dict[str, Any]:
    """What a template may name."""
    report = only_chosen(report) if style.chosen else report
    plain = msgspec.to_builtins(report)
    return {
        "report": plain,
        "failed": [c for c in plain["connections"] if c["outcome"] == "failed"],
        "examples": _examples(plain),
        "headline": _headline(report),
        "markdown": "".join(f"{line}\n" for line in lines(report, style)),
        "set": given,
        "words": {
            "gave_up": dict(GAVE_UP),
            "step": dict(STEP),
            "sure": dict(SURE),
            "change": dict(CHANGE),
        },
    }


def _examples(plain: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A group with the connection that is its example, for each that the report holds."""
    by_stream = {c["stream"]: c for c in plain["connections"]}
    return [
        {"group": group, "connection": by_stream[group["example_stream"]]}
        for group in plain["groups"]
        if group["example_stream"] in by_stream
    ]


def _headline(report: Report) -> str:
    """One line for a title."""
    groups = report.groups
    if not groups:
        seen = "is seen to fail" if report.summary.incomplete else "failed"
        return f"No TLS connection {seen}"
    others = len(groups) - 1
    kinds = "kind" if others == 1 else "kinds"
    more = f" (and {others} other {kinds} of failure)" if others else ""
    return one_line(groups[0].title) + more
