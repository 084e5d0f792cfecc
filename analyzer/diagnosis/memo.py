"""A memory of one story: many rules ask the same of the story at hand, one after the other."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

from analyzer.tls.story import Story

T = TypeVar("T")


def once_per_story(function: Callable[[Story], T]) -> Callable[[Story], T]:
    """Remember a function's answer for the last story that it was asked about.

    Stories are immutable and known by identity, so an answer cannot grow old. The story is kept
    alive until the next one comes.
    """
    asked: Story | None = None
    found: T

    @functools.wraps(function)
    def answer(story: Story) -> T:
        nonlocal asked, found
        if asked is not story:
            found = function(story)
            asked = story
        return found

    return answer
