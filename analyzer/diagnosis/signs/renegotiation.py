"""Another handshake on a connection that had one (renegotiation, up to TLS 1.2)."""

from __future__ import annotations

from typing import Final

from analyzer.tls.story import Message, Milestone, Story

SOON_NS: Final = 2_000_000_000  # within which a side answers another handshake


def behind_handshake(story: Story) -> list[Message]:
    """The messages behind the handshake; none where it is not known to have ended."""
    done = [story.milestones[m].frame for m in FINISHED if m in story.milestones]
    return [m for m in story.messages if done and m.frame > max(done)]


FINISHED: Final = (Milestone.CLIENT_FINISHED, Milestone.SERVER_FINISHED)
