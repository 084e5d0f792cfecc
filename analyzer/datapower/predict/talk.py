"""An answer of a profile in the making, and what can end it."""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.tls.message.client_hello import ClientHello
from analyzer.tls.registry.code_points import AlertDescription


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the profile refuses, and which property of which object does it."""

    cause: str
    alert: AlertDescription
    label: str  # SSLServerProfile front
    setting: str  # Protocols
    text: str  # "Protocols lacks TLSv1d3; the client offers TLSv1.3 only"
    change: str  # what to do about it


@dataclass(slots=True)
class Talk:
    """One answer in the making."""

    hello: ClientHello
    steps: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def tell(self, text: str) -> None:
        """Add a step."""
        self.steps.append(text)

    def miss(self, setting: str) -> None:
        """Leave a step open."""
        self.unknown.append(setting)
        self.tell(f"{setting}: the export does not state it, so this step is open")


class Refusal(Exception):  # noqa: N818 - it ends the steps, and is no error
    """Ends an answer in the making."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.text)
        self.refused = refused
