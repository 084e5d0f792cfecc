"""What connections are judged by: rules, the user's own among them, and the products at hand.

A file of the user's folder is a rule, as a module under :mod:`analyzer.rules` is one. It is checked
when it is loaded; one that cannot be used is left out, and a complaint says which, where and why.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Final, cast

from analyzer import rules
from analyzer.advice import Named
from analyzer.diagnosis.model import Rule, RuleModule
from analyzer.errors import UsageError

SECTIONS: Final = (
    "## What it looks like",
    "## Why it happens",
    "## What it is not",
    "## What to do",
    "## Blind spots",
)
"""What the page of a rule is made of, in this order."""

_PACKAGE: Final = "own_rules"


@dataclass(frozen=True, slots=True)
class OwnRules:
    """The rules of a folder by id, and what is wrong with those that were left out."""

    modules: Mapping[str, RuleModule] = field(default_factory=dict)
    complaints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Handbook:
    """Says by what connections are judged. It is small, so that other processes can be given it."""

    folder: str | None = None  # of the user's own rules
    products: tuple[Named, ...] = ()  # that the user names

    def modules(self, *, of_gateways: bool = True) -> Mapping[str, RuleModule]:
        """All rules by id, in order of id; ``of_gateways`` as in :func:`analyzer.rules.modules`."""
        listed = rules.modules(of_gateways=of_gateways)
        if self.folder is None:
            return listed
        every = {**listed, **own_rules(self.folder).modules}
        return MappingProxyType(dict(sorted(every.items())))

    def complaints(self) -> tuple[str, ...]:
        """A line for each rule of the folder that was left out."""
        return () if self.folder is None else own_rules(self.folder).complaints


CATALOGUE: Final = Handbook()
"""The rules that come with the program, and no others."""


@functools.cache
def own_rules(folder: str) -> OwnRules:
    """Load the rules of a folder, in order of their file names.

    Raises:
        UsageError: There is no such folder, or nothing in it that could be a rule.
    """
    try:
        files = sorted(path for path in Path(folder).iterdir() if _may_be_rule(path))
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise UsageError(f"{folder}: {reason}; --rules wants a folder of rules") from error
    if not files:
        raise UsageError(f"{folder}: holds no rule; a rule is a .py file with a RULE and a check()")
    found: dict[str, RuleModule] = {}
    complaints: list[str] = []
    for path in files:
        try:
            module = _load(path)
            _check(module, found)
        except _UnfitError as error:
            complaints.append(f"{path}: left out: {error}")
        else:
            found[module.RULE.id] = module
    return OwnRules(MappingProxyType(found), tuple(complaints))


class _UnfitError(Exception):
    """A file of the folder cannot be used as a rule; the text says what to mend."""


def _may_be_rule(path: Path) -> bool:
    return path.suffix == ".py" and not path.name.startswith(("_", ".", "test_"))


def _load(path: Path) -> RuleModule:
    """Run a file of the user's: whatever it raises is told with its line, and goes no further."""
    name = f"{_PACKAGE}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise _UnfitError("it is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look a module up by its name
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # any mistake of the user's is a complaint
        del sys.modules[name]
        raise _UnfitError(_mistake(error, path)) from error
    return cast("RuleModule", module)


def _mistake(error: BaseException, path: Path) -> str:
    """``line 7: NameError: name 'Rank' is not defined``."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    place = f"line {line}: " if line is not None else ""
    return f"{place}{type(error).__name__}: {said}"


def _check(module: RuleModule, others: Mapping[str, RuleModule]) -> None:
    """Refuse what the engine or ``explain`` could not use."""
    rule = getattr(module, "RULE", None)
    if not isinstance(rule, Rule):
        raise _UnfitError("it has no RULE = Rule(…)")
    check = getattr(module, "check", None)
    if not inspect.isfunction(check) or not _takes_a_story(check):
        raise _UnfitError("it has no function check(story)")
    if rule.id in rules.modules():
        taken = f"{rule.id} is a rule of the catalogue ({rules.modules()[rule.id].RULE.name})"
        raise _UnfitError(f"the id {taken}; take one such as TLS-OWN-001")
    if rule.id in others:
        where = Path(cast("ModuleType", others[rule.id]).__file__ or "").name
        raise _UnfitError(f"the id {rule.id} is taken by {where}")
    stem = Path(cast("ModuleType", module).__file__ or "").stem
    if rule.name.replace("-", "_") != stem:
        raise _UnfitError(f"its name is {rule.name}, which is not that of its file ({stem}.py)")
    if not rule.title or not rule.references:
        raise _UnfitError("its RULE lacks a title or references")
    lacking = _lacking(module.__doc__ or "")
    if lacking:
        raise _UnfitError(f"its docstring, which is its page, lacks {lacking}")


def _takes_a_story(check: object) -> bool:
    """Whether a function can be called with a story alone."""
    try:
        inspect.signature(cast("functools.partial[object]", check)).bind(object())
    except TypeError:
        return False
    return True


def _lacking(page: str) -> str:
    """The first section that a page lacks, or nothing."""
    if not page.strip():
        return "all of it"
    headings = re.findall(r"^## .*$", inspect.cleandoc(page), flags=re.MULTILINE)
    return next((f"the section '{section}'" for section in SECTIONS if section not in headings), "")
