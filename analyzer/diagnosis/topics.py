"""What a story gives reason to speak of: asked once per story, before the rules that it concerns.

Most of the rules have nothing to say of a story, and most for the same reason. A rule may name such a
reason as its ``topic``: it is asked only where the topic answers with its cause. A topic is a necessary
condition and no more. The rule still asks everything itself, so that it explains itself; what has more
causes than the rules' own conditions allow only costs time.
"""

from __future__ import annotations

from typing import Final

from analyzer.diagnosis.causes import CAUSES
from analyzer.diagnosis.refusals.refusal import read_refusal
from analyzer.diagnosis.signs.standing import client_done, waited_long
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Story, Way

_NONE: Final[frozenset[str]] = frozenset()


def _any_if(applies: bool) -> frozenset[str]:
    return CAUSES if applies else _NONE


def refusing(story: Story) -> frozenset[str]:
    """A side refused something in the handshake, or may have done so once it was done."""
    return _any_if(bool(story.completed) or read_refusal(story) is not None)


def alerting(story: Story) -> frozenset[str]:
    """The first side gave up by an alert."""
    return _any_if(story.ending.alerted)


def closing(story: Story) -> frozenset[str]:
    """The first side gave up by FIN or RST."""
    return _any_if(story.ending.closed)


def finishing(story: Story) -> frozenset[str]:
    """The handshake was done, for the client at least."""
    return _any_if(client_done(story))


def hiding(story: Story) -> frozenset[str]:
    """The capture hides something of a handshake that is not known to have completed."""
    return _any_if(not story.completed and (story.completed is None or bool(story.hidden)))


def unheard(story: Story) -> frozenset[str]:
    """No connection is known to have been made, or the client said nothing on it, or none of TLS."""
    timeline, prelude = story.timeline, story.prelude
    return _any_if(
        timeline.syn_ack is None
        or not timeline.accepted
        or not timeline.payload[Side.CLIENT]
        or (prelude is not None and prelude.unused)
    )


def stalling(story: Story) -> frozenset[str]:
    """Bytes did not get through, or somebody waited long."""
    timeline, prelude = story.timeline, story.prelude
    return _any_if(
        story.ending.way is Way.SILENCE
        or any(timeline.unacknowledged.values())
        or any(timeline.gaps.values())
        or prelude is not None
        or waited_long(story)
    )


def upgrading(story: Story) -> frozenset[str]:
    """Another protocol was spoken before TLS."""
    return _any_if(story.prelude is not None)


def foreign(story: Story) -> frozenset[str]:
    """A side speaks another protocol than TLS, or spoke it before."""
    return _any_if(
        story.prelude is not None or any(opening.foreign for opening in story.openings.values())
    )
