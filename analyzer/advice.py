"""Remedies worded for the product at hand: the one that the user names, else the stack that a hello suggests.

A product that the user names is spoken of plainly; what a hello looks like is a guess, and said so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from analyzer.diagnosis.causes import RemedySide
from analyzer.diagnosis.engine import Diagnosis
from analyzer.diagnosis.model import Finding
from analyzer.errors import UsageError
from analyzer.products import products
from analyzer.products.topics import Product
from analyzer.tcp.timeline import Side
from analyzer.tls.stack import Likelihood
from analyzer.tls.story import Story

_SIDES: Final = {RemedySide.CLIENT: Side.CLIENT, RemedySide.SERVER: Side.SERVER}
_GATEWAY: Final = "DataPower"  # rules speak of this product themselves
_OBJECTS: Final = "TLS-DP-"  # rules that name objects of a configuration at hand


@dataclass(frozen=True, slots=True)
class Named:
    """A product that the user named, and which side it is where that was said."""

    product: str
    side: Side | None = None


def read_products(given: Sequence[str]) -> tuple[Named, ...]:
    """Read ``java``, ``client=java``, ``server=datapower``.

    Raises:
        UsageError: There is no such product, or no such side.
    """
    return tuple(_read(one) for one in given)


def _read(given: str) -> Named:
    side, sign, name = given.rpartition("=")
    if name.lower() not in products():
        raise UsageError(f"{given}: no such product; there are {', '.join(products())}")
    if sign and side.lower() not in {one.value for one in Side}:
        raise UsageError(f"{given}: a side is client or server, as in client={name}")
    return Named(name.lower(), Side(side.lower()) if sign else None)


def advised(diagnosis: Diagnosis, story: Story, named: Sequence[Named]) -> Diagnosis:
    """The diagnosis with the remedy of its headline in the words of the products at hand."""
    headline = diagnosis.headline
    if headline is None or headline.rule.startswith(_OBJECTS):
        return diagnosis
    worded = _worded(headline, story, named)
    return diagnosis if worded is headline else replace(diagnosis, headline=worded)


def _worded(finding: Finding, story: Story, named: Sequence[Named]) -> Finding:
    if not named:
        return _guessed(finding, story)
    gateway = [step for step in finding.remedy if step.startswith(_GATEWAY)]
    general = [step for step in finding.remedy if step not in gateway]
    steps: list[str] = []
    for one in named:
        product = products()[one.product]
        if product.label == _GATEWAY and gateway:
            steps += gateway
        steps += _steps(finding, story, product, one.side)
    return replace(finding, remedy=(*dict.fromkeys(steps), *general))


def _steps(finding: Finding, story: Story, product: Product, side: Side | None) -> Iterator[str]:
    for role in [side] if side is not None else _roles(finding, story, product):
        text = product.change(finding.cause, role) or product.log(role)
        yield f"{product.label} as the {role.value}: {text}"


def _roles(finding: Finding, story: Story, product: Product) -> list[Side]:
    """Which side a product is that was named without one.

    A hello that looks like it says so; else it is the side that must change; where neither side must,
    it may be either.
    """
    looks = {Side.CLIENT: story.client_stack, Side.SERVER: story.server_stack}
    alike = [side for side, guess in looks.items() if guess and guess.name in product.stacks]
    if len(alike) == 1:
        return alike
    side = _SIDES.get(finding.remedy_side)
    return [Side.CLIENT, Side.SERVER] if side is None else [side]


def _guessed(finding: Finding, story: Story) -> Finding:
    """A last step for the stack that the side that must change looks like; none where it is unknown."""
    side = _SIDES.get(finding.remedy_side)
    guess = story.client_stack if side is Side.CLIENT else story.server_stack
    if side is None or guess is None or guess.confidence is not Likelihood.LIKELY:
        return finding
    steps = [
        f"If the {side.value} is built on {product.label}, as its hello suggests: {text}"
        for product in products().values()
        if guess.name in product.stacks and (text := product.change(finding.cause, side))
    ]
    return replace(finding, remedy=(*finding.remedy, *steps)) if steps else finding
