"""The catalogue: one module per diagnosis, found by walking this package.

A module belongs to the catalogue if it has a ``RULE``. Its docstring is its page, its id is for
ever: ids that were given up stand in ``retired.txt`` and are not used again.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

from analyzer.diagnosis.model import RuleModule


@functools.cache
def modules() -> Mapping[str, RuleModule]:
    """All rules by id, in order of id."""
    found: dict[str, RuleModule] = {}
    for entry in pkgutil.walk_packages(__path__, f"{__name__}."):
        module = importlib.import_module(entry.name)
        if not hasattr(module, "RULE"):
            continue
        rule = cast("RuleModule", module)
        if rule.RULE.id in found:
            raise ValueError(f"{entry.name}: the id {rule.RULE.id} is taken")
        found[rule.RULE.id] = rule
    return MappingProxyType(dict(sorted(found.items())))
