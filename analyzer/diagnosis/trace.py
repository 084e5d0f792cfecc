"""Why a rule fired or not: every condition that decided, as the rule asked it.

Rules are plain functions, so nothing in them is written for this. The rule is asked once more while
its statements are watched; the conditions of each ``if`` and of each answer of a predicate are put
again to the values at hand, one by one, up to the one that settled it. Conditions have no side effects:
a rule sees an immutable story.
"""

from __future__ import annotations

import ast
import enum
import functools
import inspect
import linecache
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

from analyzer.diagnosis.engine import findings_of
from analyzer.diagnosis.model import Finding, RuleModule
from analyzer.tls.story import HIDDEN, Story

_DEEPEST: Final = 6  # calls within calls that are told
_LONGEST: Final = 60  # characters of a value
_MOST: Final = 400  # conditions; a rule asks fewer


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, with its answer."""

    depth: int  # 0: of the rule itself; 1: of what it calls, and so on
    asked_by: str  # the function, with what it is for
    text: str  # as the rule has it
    value: str  # what it was about, where that says more than the answer
    holds: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """What became of a rule on a connection."""

    findings: tuple[Finding, ...]
    missing: tuple[str, ...]  # what the capture hides that the rule cannot do without
    conditions: tuple[Condition, ...]


def trace(module: RuleModule, story: Story) -> Trace:
    """Ask a rule about a connection, and tell what it asked."""
    hidden = module.RULE.requires & story.hidden
    missing = tuple(HIDDEN[name] for name in HIDDEN if name in hidden)
    if missing:
        return Trace((), missing, ())
    watch = _Watch(inspect.getfile(module.check))
    fresh = replace(story)  # what was remembered of this story would not be asked again
    before = sys.gettrace()
    sys.settrace(watch.call)
    try:
        found = findings_of(module, fresh)
    finally:
        sys.settrace(before)
    return Trace(tuple(found), (), tuple(watch.conditions))


class _Watch:
    """Follows the statements of a rule and of what the rules have in common."""

    def __init__(self, file: str) -> None:
        self.conditions: list[Condition] = []
        self._files = (file, str(Path(__file__).parent))
        self._depths: dict[FrameType, int] = {}
        self._asked: dict[FrameType, Sequence[_Leaf]] = {}  # last, by each call

    def call(self, frame: FrameType, event: str, _: object) -> Any:
        """Decide whether a function that is called is followed."""
        if event != "call" or not self._is_followed(frame.f_code):
            return None
        depth = self._depth(frame)
        if depth > _DEEPEST or len(self.conditions) >= _MOST:
            return None
        self._depths[frame] = depth
        return self._line

    def _is_followed(self, code: CodeType) -> bool:
        return code.co_filename.startswith(self._files) and code.co_filename not in _MACHINERY

    def _depth(self, frame: FrameType) -> int:
        """How deep a call is: one more than the nearest caller that is followed."""
        caller = frame.f_back
        while caller is not None and caller not in self._depths:
            caller = caller.f_back
        return 0 if caller is None else self._depths[caller] + 1

    def _line(self, frame: FrameType, event: str, _: object) -> Any:
        if event == "line":
            leaves = _conditions(frame.f_code.co_filename).get(frame.f_lineno, ())
            if leaves and self._asked.get(frame) is not leaves:  # long ones pass their line twice
                self._ask(frame, leaves)
            self._asked[frame] = leaves or self._asked.get(frame, ())
        return self._line

    def _ask(self, frame: FrameType, leaves: Sequence[_Leaf]) -> None:
        """Put the conditions of a statement, in order, until one settles it."""
        sys.settrace(None)
        try:
            for leaf in leaves:
                holds = bool(_value(leaf.code, frame))
                self.conditions.append(
                    Condition(
                        depth=self._depths[frame],
                        asked_by=_purpose(frame.f_code),
                        text=leaf.text,
                        value="" if leaf.about is None else _shown(_value(leaf.about, frame)),
                        holds=holds,
                    )
                )
                if holds is leaf.settles:
                    return
        except Exception:  # noqa: BLE001 - a condition that cannot be put again is left out
            return
        finally:
            sys.settrace(self.call)


# The engine's own means, and the choice of words: they decide nothing.
_MACHINERY: Final = frozenset(
    str(Path(__file__).with_name(f"{name}.py"))
    for name in ("engine", "memo", "model", "terms", "trace", "wording")
)


def _purpose(code: CodeType) -> str:
    """``waited long: Whether the side that left had waited longer …``."""
    name = code.co_name.strip("_").replace("_", " ")
    page = code.co_consts[0] if code.co_consts else None
    return f"{name}: {page.splitlines()[0]}" if isinstance(page, str) and page else f"{name}:"


def _value(code: CodeType, frame: FrameType) -> object:
    return eval(code, frame.f_globals, dict(frame.f_locals))  # noqa: S307 - the rule's own text


def _shown(value: object) -> str:
    """A value in a word, where it has one."""
    if hasattr(value, "_fields"):  # a named tuple is no list
        return ""
    if isinstance(value, enum.Enum):
        text = str(value.value) if isinstance(value.value, str) else value.name.lower()
    elif value is None or isinstance(value, str | int | float):
        text = str(value)
    elif isinstance(value, frozenset | set | tuple | list | Mapping) and not value:
        text = "empty"
    elif isinstance(value, frozenset | set | tuple | list):
        words = [_shown(one) for one in value]
        text = ", ".join(words) if all(words) else f"{len(words)} of them"
    else:
        return ""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A part of a condition that is put by itself."""

    text: str
    code: CodeType
    about: CodeType | None  # the left side of a comparison
    settles: bool | None  # the answer after which the rest is not asked


@functools.cache
def _conditions(file: str) -> Mapping[int, tuple[_Leaf, ...]]:
    """The conditions of a file by the line on which they begin."""
    tree = ast.parse("".join(linecache.getlines(file)))
    found: dict[int, tuple[_Leaf, ...]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.While):
            found[node.test.lineno] = tuple(_split(node.test))
        elif isinstance(node, ast.Return) and isinstance(
            node.value, ast.BoolOp | ast.Compare | ast.UnaryOp
        ):
            found[node.value.lineno] = tuple(_split(node.value))
    return found


def _split(test: ast.expr) -> Iterator[_Leaf]:
    """The operands of the outermost and/or; what is nested stays whole."""
    if isinstance(test, ast.BoolOp):
        settles = isinstance(test.op, ast.Or)
        yield from (_leaf(operand, settles) for operand in test.values)
    else:
        yield _leaf(test, None)


def _leaf(node: ast.expr, settles: bool | None) -> _Leaf:
    subject = node.left if isinstance(node, ast.Compare) else None
    about = None if subject is None else _compiled(subject)
    return _Leaf(ast.unparse(node), _compiled(node), about, settles)


def _compiled(node: ast.expr) -> CodeType:
    return compile(ast.Expression(node), "<condition>", "eval")
