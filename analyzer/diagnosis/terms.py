"""What was offered and chosen, in the words of titles and remedies."""

from __future__ import annotations

from analyzer.diagnosis.causes import RemedySide
from analyzer.diagnosis.verdicts.offers import real_groups, real_schemes, real_suites
from analyzer.diagnosis.wording import counted, listed, party
from analyzer.tls.registry.code_points import ProtocolVersion
from analyzer.tls.story import Story


def refuser(story: Story) -> str:
    """The side that gave up first."""
    side = story.ending.side
    return party(story, side) if side is not None else "one side"


def offered(story: Story) -> str:
    """An offer in a few words: ``TLSv1.2, 16 cipher suites, for gateway.example``."""
    offer = story.offer
    if offer is None:
        return "unknown"
    name = f"for {offer.server_name}" if offer.server_name else "no server name"
    return f"{offered_versions(story)}, {counted(len(real_suites(offer)), 'cipher suite')}, {name}"


def offered_versions(story: Story) -> str:
    """The versions that the client offered."""
    offer = story.offer
    if offer is None:
        return "an unknown version"
    if offer.supported_versions:
        return listed(version.label for version in offer.versions)
    framing = ", in the framing of SSL 2.0" if offer.v2 else ""
    return f"{offer.max_version.label} at most{framing}"


def chosen_version(story: Story) -> str:
    """What the server did with it: ``chose TLSv1.0`` or ``wants another``."""
    return f"chose {story.version}" if story.choice is not None else "wants another"


def offered_groups(story: Story) -> str:
    """The client's groups."""
    return listed(group.label for group in real_groups(story.offer)) if story.offer else "unknown"


def offered_schemes(story: Story) -> str:
    """The client's signature algorithms."""
    return listed(one.label for one in real_schemes(story.offer)) if story.offer else "unknown"


def offered_protocols(story: Story) -> str:
    """The client's application protocols."""
    return listed(story.offer.alpn) if story.offer else "unknown"


def one_of_offered(story: Story) -> str:
    """What to enable of the client's application protocols."""
    several = story.offer is not None and len(story.offer.alpn) > 1
    return f"one of {offered_protocols(story)}" if several else offered_protocols(story)


def prime_bits(story: Story) -> str:
    """The size of the server's Diffie-Hellman prime."""
    exchange = story.server_key_exchange
    bits = exchange.dh_bits if exchange is not None else None
    return f"{bits} bits" if bits else "of unknown size"


def version_remedy(story: Story) -> RemedySide:
    """Who is too old: the client where it ends below TLS 1.2 or speaks as in SSL 2.0, else the server."""
    offer = story.offer
    if offer is not None and offer.v2 and story.choice is None:
        return RemedySide.CLIENT
    if offer is None or offer.max_version.rank >= ProtocolVersion.TLS1_2.rank:
        return RemedySide.SERVER
    chosen = story.choice
    if chosen is not None and chosen.version.rank < offer.max_version.rank:
        return RemedySide.SERVER
    return RemedySide.CLIENT
