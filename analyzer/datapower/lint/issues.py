"""What a lint of an export finds: one thing about one property of one object."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Severity(enum.IntEnum):
    """How bad it is, by what follows."""

    NOTE = 0  # worth knowing; nothing fails by it
    WARNING = 1  # weak, or fails for some peers, or soon
    ERROR = 2  # cannot work as it stands


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding of the lint. ``check`` names it for machines."""

    check: str
    severity: Severity
    domain: str
    label: str  # SSLServerProfile front
    setting: str  # Protocols; empty where the whole object is meant
    text: str
    change: str
