"""A flaw of a certificate: a fact of the messages, and no diagnosis."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.diagnosis.model import Evidence
from analyzer.diagnosis.signs.alerts import Alerts
from analyzer.diagnosis.wording import subject
from analyzer.tls.story import Chain


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that a peer may refuse a certificate for.

    ``hard`` flaws are refused by every peer that checks at all; the others depend on its settings,
    as trust in an authority does. ``alerts`` are those that alone speak for it, where its cause has
    more (:data:`~analyzer.diagnosis.verdicts.fits.FITS`).
    """

    cause: str
    text: str  # to follow the holder: "expired on 2026-01-01 00:00:00 UTC"
    frame: int
    hard: bool = True
    leaf: bool = True  # it is in the sender's own certificate
    alerts: Alerts | None = None

    @property
    def evidence(self) -> Evidence:
        """The flaw as a sentence with its frame."""
        return Evidence(self.frame, self.text)


def which(chain: Chain, index: int) -> str:
    """A certificate of a chain, in a few words."""
    holder = subject(chain.certificates[index])
    return holder if index == 0 else f"{holder} (certificate {index + 1} of the chain)"
