"""Many records found at once: chains of them, walked side by side from places that were guessed.

A record only says where the next begins, so that nobody knows where the thousandth is without the
999 before it. But it can be guessed. A guess is proved if the chain that comes from before it ends
exactly there; and as the first place is certain, all are, or nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from typing import Final

import numpy as np

from analyzer.capture.block import Integers

_STEPS_MOST: Final = 1_024  # records of one chain, on which a wrong file may waste time


def walk_chains(
    begins: Integers, stop: int, following: Callable[[Integers], Integers]
) -> Integers | None:
    """Where all records begin, from the first up to ``stop``, in order; None if a guess was wrong.

    Args:
        begins: Where chains begin, in order; the first is certain.
        stop: What begins here or behind is not asked for.
        following: Gives where the next records begin, of those that begin at some offsets.
    """
    at, until = begins, np.append(begins[1:], stop)
    found = []
    for _ in repeat(None, _STEPS_MOST):
        found.append(at)
        at = following(at)
        on = at < until
        if on.all():
            continue
        if ((at != until) & (until != stop))[~on].any():
            return None
        at, until = at[on], until[on]
        if not len(at):
            return np.sort(np.concatenate(found))
    return None
