"""Commands for a POSIX shell, from text that an attacker may have put into a capture."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import Final

# Letters, digits and what host names need; a leading '-' would be read as an option.
_HOST: Final = re.compile(r"(?!-)[A-Za-z0-9._-]{1,253}")
_PROTOCOL: Final = re.compile(r"(?!-)[!-+\--~]{1,255}")  # visible ASCII but the comma
_TARGET: Final = re.compile(r"(?!-)(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):\d{1,5}")


class UnsafeTextError(ValueError):
    """A word holds control characters; it can only have come there by a mistake in a tool here."""


def quoted(word: str) -> str:
    """Quote a word for the shell, where it needs that.

    Raises:
        UnsafeTextError: It holds what a terminal could take for a command, or no shell can carry.
    """
    if not word.isprintable():
        raise UnsafeTextError(ascii(word))
    return shlex.quote(word)


def command(*lines: Iterable[str]) -> str:
    """Join the lines of one command; each is a group of words."""
    written = (" ".join(quoted(word) for word in line) for line in lines)
    return " \\\n  ".join(line for line in written if line)


def host_name(text: str | None) -> str | None:
    """The text, where it is a host name that may stand on a command line."""
    return text if text is not None and _HOST.fullmatch(text) else None


def protocol_name(text: str) -> str | None:
    """The text, where it may stand in a list of ALPN names."""
    return text if _PROTOCOL.fullmatch(text) else None


def target(text: str | None) -> str | None:
    """The text, where it is host and port."""
    return text if text is not None and _TARGET.fullmatch(text) else None
