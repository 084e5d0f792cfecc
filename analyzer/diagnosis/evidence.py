"""The frames that findings cite, each with its sentence."""

from __future__ import annotations

from analyzer.diagnosis.model import Evidence
from analyzer.diagnosis.wording import counted, ending_phrase, issuer, subject, when
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Chain, Milestone, Story, Visibility


def ending_evidence(story: Story) -> Evidence:
    """The frame in which the first side gave up."""
    return Evidence(story.ending.frame, ending_phrase(story))


def message_evidence(story: Story, side: Side, name: str, text: str) -> tuple[Evidence, ...]:
    """A sentence on the first message of that name; nothing where it was not captured."""
    message = story.message(side, name)
    return (Evidence(message.frame, text),) if message is not None else ()


def offer_evidence(story: Story, text: str) -> tuple[Evidence, ...]:
    """A sentence on the ClientHello that the server answered."""
    hellos = [
        m for m in story.messages if m.sender is Side.CLIENT and m.name.endswith("client_hello")
    ]
    return (Evidence(hellos[-1].frame, text),) if hellos else ()


def milestone_evidence(story: Story, milestone: Milestone, text: str) -> tuple[Evidence, ...]:
    """A sentence on a milestone; it says where it rests on record lengths."""
    reached = story.milestones.get(milestone)
    if reached is None:
        return ()
    dark = " (by the lengths of encrypted records)"
    return (
        Evidence(reached.frame, text + (dark if reached.visibility is Visibility.INFERRED else "")),
    )


def chain_evidence(chain: Chain) -> Evidence:
    """What a Certificate message holds, in one sentence."""
    sender = chain.sender.value
    leaf = chain.leaf
    if leaf is None:
        return Evidence(chain.frame, f"{sender} sent an empty Certificate message")
    count = counted(len(chain.certificates), "certificate")
    return Evidence(
        chain.frame,
        f"{sender} sent {count}; its own is {subject(leaf)}, issued by {issuer(leaf)}, "
        f"valid {when(leaf.not_before)} to {when(leaf.not_after)}",
    )
