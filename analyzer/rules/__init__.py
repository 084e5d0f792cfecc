"""The catalogue: one module per diagnosis, found by walking this package.

A module belongs to the catalogue if it has a ``RULE``. Its docstring is its page, its id is for
ever: ids that were given up stand in ``retired.txt`` and are not used again.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, cast

from analyzer.diagnosis.model import RuleModule

_OF_GATEWAYS: Final = "datapower"


def modules(*, of_gateways: bool = True) -> Mapping[str, RuleModule]:
    """All rules by id, in order of id.

    Those ``of_gateways`` ask a gateway's own papers, and find nothing where there are none.
    """
    return _modules(None if of_gateways else _OF_GATEWAYS)


@functools.cache
def _modules(but: str | None) -> Mapping[str, RuleModule]:
    found: dict[str, RuleModule] = {}
    families = (family.name for family in pkgutil.iter_modules(__path__) if family.name != but)
    names = (name for family in families for name in _names(f"{__name__}.{family}"))
    for name in names:
        module = importlib.import_module(name)
        if not hasattr(module, "RULE"):
            continue
        rule = cast("RuleModule", module)
        if rule.RULE.id in found:
            raise ValueError(f"{name}: the id {rule.RULE.id} is taken")
        found[rule.RULE.id] = rule
    return MappingProxyType(dict(sorted(found.items())))


def _names(family: str) -> Iterator[str]:
    """The modules of a family of rules."""
    package = importlib.import_module(family)
    for entry in pkgutil.walk_packages(getattr(package, "__path__", ()), f"{family}."):
        yield entry.name
