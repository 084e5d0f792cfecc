"""How far a handshake had come in the eyes of the side that gave up, and whether that was at once."""

from __future__ import annotations

from typing import Final

from analyzer.tcp.timeline import Side
from analyzer.tls.story import Milestone, Story, Visibility


def passed(story: Story, milestone: Milestone) -> bool:
    """Whether a milestone was passed before the first side gave up, as that side knew."""
    reached = story.milestones.get(milestone)
    if reached is None:
        return False
    sender = Side.SERVER if milestone in _SERVERS else Side.CLIENT
    return story.ending.heard(sender, reached.frame)


_SERVERS: Final = frozenset(
    {
        Milestone.SERVER_HELLO,
        Milestone.SERVER_CERTIFICATE,
        Milestone.CERTIFICATE_REQUEST,
        Milestone.SERVER_FLIGHT,
        Milestone.SERVER_FINISHED,
        Milestone.SERVER_ACCEPTED,
        Milestone.SERVER_WENT_ON,
        Milestone.SERVER_DATA,
    }
)


def perhaps_used(story: Story) -> bool:
    """Whether somebody sent data, or the lengths of a TLS 1.3 client's records leave room for some.

    Who has closed by an alert reads no data any more (RFC 5246 section 7.2.1).
    """
    if story.reached(Milestone.CLIENT_DATA):
        return True
    if story.reached(Milestone.SERVER_DATA):
        closed = story.ending.side is Side.CLIENT and story.ending.alert is not None
        return not closed or passed(story, Milestone.SERVER_DATA)
    return story.tls13 and (Milestone.CLIENT_DATA not in story.denied or _greeted(story))


def _greeted(story: Story) -> bool:
    """Whether a server of TLS 1.3 spoke first and was heard, where that makes a use (SMTP, IMAP, FTP).

    One of HTTP/2 sends its settings to everybody, and says in the dark that it speaks it.
    """
    protocols = story.offer.alpn if story.offer is not None else ()
    return not protocols and passed(story, Milestone.SERVER_WENT_ON)


_FLIGHT_LEAST: Final = 600  # ServerHello and the shortest encrypted flight with a certificate


def flight_arrived(story: Story) -> bool:
    """Whether the server's certificate can have been sent, under encryption."""
    if passed(story, Milestone.SERVER_CERTIFICATE) or passed(story, Milestone.SERVER_FLIGHT):
        return True
    late = Milestone.SERVER_FLIGHT in story.milestones
    return not late and story.timeline.payload.get(Side.SERVER, 0) >= _FLIGHT_LEAST


def visible(story: Story, milestone: Milestone) -> bool:
    """Whether a milestone was passed in clear (or decrypted), not inferred."""
    reached = story.milestones.get(milestone)
    return reached is not None and reached.visibility is not Visibility.INFERRED


def prompt(story: Story) -> bool:
    """Whether the first side gave up at once, and not because it ran out of patience."""
    return story.ending.waited_ns < (PATIENCE_NS if story.ending.closed else _DELIBERATION_NS)


# A side that refuses does so at once; one that only leaves after so long ran out of patience. Who has
# nothing to say has nothing to wait for; an alert may come after a look elsewhere (revocation).
PATIENCE_NS: Final = 3_000_000_000
_DELIBERATION_NS: Final = 10_000_000_000


def accepted_otherwise(story: Story) -> bool:
    """Whether the same client shows on other connections that it accepts this server's certificate.

    It sends data over them: with this very certificate, or before and after this connection where it is
    out of sight; or before and after another that it left unused as well. Or it later resumes a session,
    which it keeps of handshakes that it liked.
    """
    habits, chain = story.neighbours.habits, story.server_chain
    if habits.resumed is not None and habits.resumed > story.start:
        return True
    if habits.used is None:
        return False
    in_sight = chain is not None and chain.leaf is not None
    first, last = habits.used
    unused = story.start if habits.idle is None else min(story.start, habits.idle)
    return in_sight or first < unused < last
