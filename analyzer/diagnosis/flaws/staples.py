"""Flaws of OCSP staples: one that says revoked, none where one is due, one about something else."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.flaws.flaw import Flaw
from analyzer.diagnosis.wording import subject, when
from analyzer.tls.story import Chain, Story
from analyzer.tls.x509.chain import CertificateFacts


def staple_revoked(story: Story) -> Iterator[Flaw]:
    """The server proves itself that its certificate is revoked."""
    staple = story.staple
    if staple is not None and staple.certificate_status == "revoked":
        text = f"the OCSP staple says that the certificate was revoked at {when(staple.revoked_at)}"
        yield Flaw("revoked_staple", text, staple_frame(story))


def staple_missing(story: Story, chain: Chain, leaf: CertificateFacts) -> Iterator[Flaw]:
    """The certificate demands a staple, the client asked for one, and none came."""
    asked = story.offer is not None and story.offer.status_request
    if leaf.must_staple and asked and not has_staple(story):
        text = f"{subject(leaf)} demands an OCSP staple (TLS feature), and the server sent none"
        yield Flaw("staple_missing", text, chain.frame, hard=False)


def staple_unfit(story: Story, leaf: CertificateFacts) -> Iterator[Flaw]:
    """A staple about another certificate is none for this one (RFC 6066 section 8)."""
    staple = story.staple
    if staple is not None and staple.serial is not None and staple.serial != leaf.serial:
        text = f"the OCSP staple is about another certificate than {subject(leaf)}"
        yield Flaw("staple_missing", text, staple_frame(story), hard=False)


def has_staple(story: Story) -> bool:
    """Whether the server sent an OCSP staple in clear."""
    return story.staple is not None or any(m.name == "certificate_status" for m in story.messages)


def staple_frame(story: Story) -> int:
    """The frame of CertificateStatus; of the chain where it is not known."""
    frames = [m.frame for m in story.messages if m.name == "certificate_status"]
    if frames:
        return frames[0]
    return story.server_chain.frame if story.server_chain is not None else story.ending.frame
