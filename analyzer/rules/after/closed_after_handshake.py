"""The handshake completed, and a side left at once without using the connection.

## What it looks like
Both sides finished. No application data follows in either direction; within moments a side closes.

## Why it happens
Programs that check the server's name or its OCSP staple only after the handshake (curl, Node, .NET), or the
whole certificate (many that are built on GnuTLS: wget, LDAP and mail clients), and do not like it; servers that
check the client's certificate above TLS, or end TLS for a service that cannot be reached; probes, which only
wanted to see a handshake; browsers and pools, which open connections ahead of need and drop what they do not use.

## What it is not
A refusal by alert before the handshake completed: that is told by the certificate rules.

## What to do
Read the log of the side that left. If it is a monitor, nothing is wrong.

## Blind spots
An orderly close looks the same for a probe and for a late refusal. A side that leaves without the closing alert
is more likely to have refused: only that counts as a failure, and is still suspected. It does not where the
client resumed a session, whose certificate it must have accepted; nor where the client stayed for a while: to judge
what is at hand takes no longer than its turn in the handshake did (who asks a responder first is missed); nor
where the same client uses other connections with this server and certificate (before and after, where encryption
hides which it is), or later resumes a session with it. A capture that misses bytes may miss the use.
In TLS 1.3 a client's certificate, signature and Finished that share a record cannot be told from those that run
on into the next: what may be a request is taken for one. So is a server's record that is no ticket like the
others, where the server leaves (the data connection of FTP).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.deciding import WOULD_DECIDE
from analyzer.diagnosis.flaws.chains import server_flaws
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.signs.choices import unspoken
from analyzer.diagnosis.signs.hellos import perhaps_ech_rejected
from analyzer.diagnosis.signs.passing import PATIENCE_NS, accepted_otherwise, perhaps_used
from analyzer.diagnosis.signs.renegotiation import FINISHED
from analyzer.diagnosis.signs.standing import BOTH_WAYS, client_done, end_evidence
from analyzer.diagnosis.topics import finishing
from analyzer.diagnosis.wording import keys_would_tell, party
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Milestone, Story, Way

RULE = Rule(
    id="TLS-END-002",
    name="closed-after-handshake",
    cause="closed_after_handshake",
    phase=Phase.POST_HANDSHAKE,
    rank=Rank.CLOSED,
    title="A side leaves right after the handshake",
    references=("RFC 8446 §6.1",),
    requires=BOTH_WAYS,
    topic=finishing,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire on a completed handshake that nobody used."""
    ending, side = story.ending, story.ending.side
    if not client_done(story) or side is None or perhaps_used(story):
        return
    if side is Side.SERVER and story.reached(Milestone.SERVER_WENT_ON):
        return  # of a client that leaves it says nothing: servers of HTTP/2 speak before they are asked
    late = ending.waited_ns >= PATIENCE_NS
    if ending.way in {Way.OPEN, Way.SILENCE} or (late and story.completed):
        return
    last = [story.milestones[m] for m in FINISHED if m in story.milestones]
    if not last or story.blind_to("start"):
        return
    stayed = side is Side.CLIENT and _stayed(story)
    abrupt = ending.closed and not late and not _accepted(story, side)
    reasons = _reasons(story, side)
    yield RULE.finding(
        Evidence(max(reached.frame for reached in last), "the handshake completed"),
        end_evidence(story),
        title=f"{party(story, side)} leaves right after its handshake with {party(story, side.peer)}, "
        "without using it",
        explanation=(
            "TLS itself succeeded. "
            if story.completed
            else "The client had finished; whether the server accepted its certificate is encrypted. "
        )
        + _how(story)
        + (_AHEAD if stayed else "")
        + (_LIKED if side is Side.CLIENT and accepted_otherwise(story) else ""),
        remedy=(
            (
                f"First find out why the {side.value} left: its log says it. Programs that check names, "
                "staples or client certificates only after the handshake leave like this."
            ),
            *([_BEHIND] if side is Side.SERVER else []),
            *(
                [f"If it disliked the {side.peer.value}'s certificate, that is what to change."]
                if any(other.cause != "server_internal" for other in reasons)
                else []
            ),
            "If it is a health check or a probe, nothing is wrong.",
            *keys_would_tell(story),
        ),
        failing_side=FailingSide.of(side),
        remedy_side=(
            RemedySide.CLIENT
            if side is Side.SERVER and _perhaps_asked(story)
            else RemedySide.SERVER
        ),
        confidence=Confidence.SUSPECTED,
        rank=Rank.CLOSED if abrupt and not stayed else Rank.UNUSED,
        alternatives=(*reasons, Alternative("fine", "whether the client is a probe")),
    )


_BEHIND: Final = "If it ends TLS for a service behind it (a load balancer, stunnel), see whether that service can be reached."
_LIKED: Final = " On other connections the same client accepts this server's certificate."
_AHEAD: Final = (
    " It had stayed for a while: who minds a certificate mostly leaves at once, and connections that were opened "
    "ahead of need (browsers, pools) are dropped like this."
)


def _reasons(story: Story, side: Side) -> tuple[Alternative, ...]:
    """What a side may have judged so late: each judges the other's certificate."""
    if side is Side.SERVER:
        behind = Alternative(
            "server_internal", "the server's log; whether what is behind it answers"
        )
        refused = Alternative("client_certificate_rejected", "the server's log")
        return (refused, behind) if _perhaps_asked(story) else (behind,)
    if story.resumed or Milestone.SERVER_CERTIFICATE in story.denied:
        return ()
    speechless = Alternative("alpn_mismatch", "the protocols that the server has enabled")
    # A staple is demanded by the certificate itself, though few clients know that.
    faults = (f for f in server_flaws(story) if f.hard or f.cause == "staple_missing")
    flaws = [flaw.cause for flaw in faults]
    known = [Alternative(cause, WOULD_DECIDE[cause]) for cause in dict.fromkeys(flaws)]
    other_name = Alternative(
        "hostname_mismatch", "the client's log; the name against the certificate"
    )
    hidden = Alternative("ech_rejected", WOULD_DECIDE["ech_rejected"])
    return (
        *([speechless] if unspoken(story) else []),
        *([hidden] if perhaps_ech_rejected(story) else []),
        *(other for other in known if other.cause != "hostname_mismatch"),
        *([] if _fits_the_name(story) else [other_name]),
        Alternative("server_certificate_rejected", "the client's log"),
        *([_CROSSED] if not story.completed and _perhaps_asked(story) else []),
    )


_CROSSED: Final = Alternative(
    "client_certificate_rejected",
    "the server's log: whether its last alert answers the close, or refuses a certificate, or none",
)


def _perhaps_asked(story: Story) -> bool:
    """Whether the server may have asked for a certificate, and can have disliked it."""
    if story.tls13:
        return Milestone.CERTIFICATE_REQUEST not in story.denied
    return story.reached(Milestone.CERTIFICATE_REQUEST)


def _fits_the_name(story: Story) -> bool:
    """Whether the certificate is in sight, and is for the name that the client asked for."""
    named = story.offer is not None and story.offer.server_name is not None
    mismatched = any(flaw.cause == "hostname_mismatch" for flaw in server_flaws(story))
    return named and story.server_chain is not None and not mismatched


def _accepted(story: Story, side: Side) -> bool:
    """Whether the client shows elsewhere that it likes the certificate.

    Who resumes a session has nothing to judge, and kept it from a handshake that it liked.
    """
    return side is Side.CLIENT and (bool(story.resumed) or accepted_otherwise(story))


def _stayed(story: Story) -> bool:
    """Whether a client left later than one does that judges the certificate behind the handshake.

    That one has all that it needs, and was as quick when it answered the server's flight.
    """
    flight = story.milestones.get(Milestone.SERVER_FLIGHT)
    finished = story.milestones.get(Milestone.CLIENT_FINISHED)
    turn = story.timeline.rtt_ns or 0
    if flight is not None and finished is not None:
        turn = max(finished.time - flight.time, 0)
    return story.ending.waited_ns >= turn + _AT_ONCE_NS


_AT_ONCE_NS: Final = 50_000_000


def _how(story: Story) -> str:
    if story.ending.closed:
        return "The side left without the closing alert."
    if story.ending.way is Way.ENCRYPTED_ALERT:
        return "Its last alert is encrypted; it may be the closing one."
    return "The close was orderly."
