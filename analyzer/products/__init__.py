"""Remedies in the words of products: the object, property, file or command to touch.

One module of data per product. What is changed for a cause, and where, is a table of :mod:`topics`.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from analyzer.products.topics import Product


@functools.cache
def products() -> Mapping[str, Product]:
    """All products by name."""
    names = sorted(entry.name for entry in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    found = [module.PRODUCT for module in modules if hasattr(module, "PRODUCT")]
    return MappingProxyType({product.name: product for product in found})
