"""Where a handshake stood when it ended, and how long somebody had waited."""

from __future__ import annotations

from typing import Final

from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Evidence
from analyzer.diagnosis.signs.passing import flight_arrived, passed
from analyzer.diagnosis.wording import ending_phrase, milliseconds, party
from analyzer.tcp.closing import VAIN_LEAST
from analyzer.tcp.timeline import Side, Timeline
from analyzer.tls.story import Milestone, Story, Way

# In mid-handshake an answer is due within round trips: who waited for the peer longer than the first
# ran out of patience; who was to speak itself and left after the second had hung before.
_WAITED_NS: Final = 1_000_000_000
_HUNG_NS: Final = 5_000_000_000
# What a rule must have seen that accuses a side of leaving or of saying nothing.
BOTH_WAYS: Final = frozenset(
    {"client_side", "server_side", "client_bytes", "server_bytes", "snap_length"}
)
# The shortest timeout seen in practice before a stack sends a lost segment again is 200 ms; a
# payload of this size is a full segment on any usual path.
FULL_SEGMENT: Final = 1_000


def phase_of(story: Story) -> Phase:
    """The step that did not complete before the first side gave up."""
    if story.completed:
        return Phase.POST_HANDSHAKE
    done = frozenset([milestone for milestone in story.milestones if passed(story, milestone)])
    if Milestone.CLIENT_HELLO not in done:
        opened = story.reached(Milestone.CONNECTED) or story.timeline.syn is None
        return Phase.CLIENT_HELLO if opened else Phase.TCP_CONNECT
    if Milestone.SERVER_HELLO not in done:
        return Phase.SERVER_HELLO if retried(story) else Phase.CLIENT_HELLO
    if story.resumed:
        return Phase.FINISHED
    dark = story.tls13 and flight_arrived(story)
    if not dark and done.isdisjoint({Milestone.SERVER_CERTIFICATE, Milestone.SERVER_FLIGHT}):
        return Phase.SERVER_HELLO
    if done.isdisjoint({Milestone.CLIENT_KEY_EXCHANGE, Milestone.CLIENT_FINISHED}):
        return Phase.SERVER_CERTIFICATE
    asked = Milestone.CERTIFICATE_REQUEST in done
    return Phase.CLIENT_CERTIFICATE if asked else Phase.FINISHED


def awaited(story: Story) -> Side | None:
    """The side that was to speak; None where both might."""
    sides = {side for side, _ in story.awaiting}
    return sides.pop() if len(sides) == 1 else None


def awaited_names(story: Story) -> str:
    """What was to be said: ``certificate or server_key_exchange``; the usual before the rare."""
    names = sorted({name for _, name in story.awaiting}, key=lambda name: (name in _RARE, name))
    return " or ".join([name for name in names if name not in _RARE] or names) or "anything"


_RARE: Final = frozenset(
    {
        *("hello_retry_request", "supplemental_data", "new_session_ticket", "end_of_early_data"),
        *(
            "certificate_request",
            "certificate_status",
            "compressed_certificate",
            "empty_certificate",
        ),
    }
)


def stuck_between(story: Story, side: Side) -> str:
    """Whose packets do not arrive, and where, to follow "packets"."""
    return f"of {party(story, side)} do not get through to {party(story, side.peer)}"


def waited_long(story: Story) -> bool:
    """Whether the side that left had waited longer than a program that just leaves."""
    ending = story.ending
    due = _HUNG_NS if ending.side is awaited(story) else _WAITED_NS
    spoken = ending.closed or ending.way is Way.ALERT
    return spoken and ending.waited_ns >= due


def retried(story: Story) -> bool:
    """Whether a HelloRetryRequest waits for the second ClientHello."""
    return story.retry is not None and story.choice is None and awaited(story) is Side.CLIENT


def client_done(story: Story) -> bool:
    """Whether the client had nothing left to say: completed, or finished in TLS 1.3.

    Whether the server accepted the client's certificate then is encrypted.
    """
    return bool(story.completed) or (story.tls13 and story.reached(Milestone.CLIENT_FINISHED))


def end_evidence(story: Story) -> Evidence:
    """The frame of the end, and how long it came after the last payload."""
    ending = story.ending
    if ending.way in {Way.SILENCE, Way.OPEN}:
        text = f"last packet of the connection; the capture goes on for {milliseconds(ending.waited_ns)}"
        return Evidence(story.timeline.last_frame, text)
    return Evidence(
        ending.frame,
        f"{ending_phrase(story)}, {milliseconds(ending.waited_ns)} after the last data",
    )


def starved(story: Story) -> Side | None:
    """The side whose data stopped getting through: sent again and again, never acknowledged.

    Who did not acknowledge must have been captured. Bytes that nobody saw count only if the connection
    then stood still: what a capture misses of a quick one proves nothing.
    """
    timeline = story.timeline
    stood = story.ending.way is Way.SILENCE or timeline.waited_ns >= _STALLED_NS
    for side in Side:
        if not timeline.packets[side.peer] or _after_the_end(story, side):
            continue
        vain = timeline.vain[side]
        if vain is not None and vain.hopeless:
            return side
        if stood and timeline.vain_closes[side] >= VAIN_LEAST:
            return side
        lost = any(g.kind == "lost" and g.acknowledged is False for g in timeline.gaps[side])
        if lost and (stood or _sent_again(timeline, side)):
            return side
    return None


def _sent_again(timeline: Timeline, side: Side) -> bool:
    """Whether a side sent data again; a SYN that was sent again says nothing of what came behind it."""
    opening = max(len(timeline.syns) - 1, 0) if side is Side.CLIENT else 0
    return timeline.retransmissions[side] > opening


def _after_the_end(story: Story, side: Side) -> bool:
    """Whether a side went on behind its peer's close, where the capture hides what came before."""
    closed, last = story.timeline.closed_first, story.timeline.last_data[side]
    used = story.reached(Milestone.CLIENT_DATA) and story.reached(Milestone.SERVER_DATA)
    used = used or story.timeline.unacknowledged[side] <= _FAREWELL_MOST
    if story.completed is not None or not used or closed is None or last is None:
        return False
    return closed[0] is side.peer and last > closed[1].time


_FAREWELL_MOST: Final = 64  # bytes of a closing alert, sealed and padded
# The shortest time in which TCP can have tried twice in vain (RFC 6298 section 2, with the 200 ms of
# practice).
_STALLED_NS: Final = 600_000_000


def phase_of_loss(story: Story, side: Side) -> Phase:
    """The step that did not complete because a side's packets did not arrive.

    What the capture shows of them may be more than what the peer ever got.
    """
    answered = story.reached(Milestone.CLIENT_KEY_EXCHANGE) or story.reached(
        Milestone.CLIENT_FINISHED
    )
    return phase_of(story) if side is Side.CLIENT or answered else Phase.SERVER_HELLO


def stuck_bytes(story: Story, side: Side) -> int:
    """How many bytes of a side never arrived."""
    lost = [
        g.length for g in story.timeline.gaps[side] if g.kind == "lost" and g.acknowledged is False
    ]
    return max([story.timeline.unacknowledged[side], *lost])
