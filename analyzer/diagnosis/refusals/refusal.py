"""Who refused what, and at which step: the one reading that the families of rules share.

A handshake fails when one side gives up first. Rules then only check what speaks for one cause.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase
from analyzer.diagnosis.deciding import WOULD_DECIDE
from analyzer.diagnosis.evidence import ending_evidence
from analyzer.diagnosis.memo import once_per_story
from analyzer.diagnosis.model import Alternative, Evidence
from analyzer.diagnosis.refusals.client_steps import client_step
from analyzer.diagnosis.refusals.server_steps import server_step
from analyzer.diagnosis.refusals.steps import Step
from analyzer.diagnosis.signs.alerts import VAGUE_ALERTS
from analyzer.diagnosis.signs.garbled import puzzled
from analyzer.diagnosis.signs.hellos import perhaps_ech_rejected
from analyzer.diagnosis.signs.passing import passed
from analyzer.diagnosis.signs.resets import strays
from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Ending, Milestone, Story, Way

_A = AlertDescription

_PHASES: Final[Mapping[Step, Phase]] = {
    Step.OFFER: Phase.CLIENT_HELLO,
    Step.CHOICE: Phase.SERVER_HELLO,
    Step.SERVER_CERTIFICATE: Phase.SERVER_CERTIFICATE,
    Step.KEY_EXCHANGE: Phase.KEY_EXCHANGE,
    Step.CLIENT_CERTIFICATE: Phase.CLIENT_CERTIFICATE,
    Step.FINISHED: Phase.FINISHED,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A side gave up at a step.

    ``alert`` is None where it is encrypted or was not sent; ``way`` tells these apart. ``certain``
    says that the alert can be read. ``ceiling`` bounds how sure a rule can be that it was a refusal
    at this step: nothing stands above what the wire states.
    """

    side: Side
    step: Step
    way: Way
    alert: AlertDescription | None
    evidence: Evidence
    ceiling: Confidence
    alternatives: tuple[Alternative, ...] = ()  # to a refusal at all
    orderly: bool = False  # an alert that cannot be read, and that most likely was close_notify

    @property
    def certain(self) -> bool:
        """Whether the alert can be read."""
        return self.alert is not None

    @property
    def phase(self) -> Phase:
        """The step in the words of the contract."""
        return _PHASES[self.step]

    @property
    def failing_side(self) -> FailingSide:
        """The side in the words of the contract."""
        return FailingSide.of(self.side)

    @property
    def act(self) -> str:
        """How it refused, to follow "it": ``sent fatal alert unknown_ca (48)``."""
        return self.evidence.text.partition(" ")[2]

    @property
    def deed(self) -> str:
        """The same for titles, without how we know: ``sent an encrypted alert``."""
        return self.act.partition(" (known ")[0]

    @property
    def dark(self) -> bool:
        """Whether an alert was sent that cannot be read."""
        return self.way is Way.ENCRYPTED_ALERT


@once_per_story
def read_refusal(story: Story) -> Refusal | None:
    """Find out who refused what; None where nobody refused, or TCP alone tells the story."""
    told, story = story, _heard_out(story)
    ending = story.ending
    if ending.side is None or not (ending.alerted or ending.closed):
        return None
    if _over(story) or strays(story):
        return None
    alert = readable_alert(story)
    if puzzled(story, alert):
        return None
    step = client_step(story, alert) if ending.side is Side.CLIENT else server_step(story, alert)
    if step is None:
        return None
    return Refusal(
        side=ending.side,
        step=step,
        way=ending.way if alert is not None or ending.way is not Way.ALERT else Way.FIN,
        alert=alert,
        evidence=ending_evidence(story),
        # What follows the other side's close may be no more than a close itself.
        ceiling=_ceiling(story, alert) if story is told or alert else Confidence.SUSPECTED,
        alternatives=(
            *([_DATA] if _is_doubtful(story) else []),
            *([_LEFT] if story is not told and alert is None and _took_leave(told) else []),
            *([_HIDDEN] if perhaps_ech_rejected(told) else []),
            *([SCANNER] if _wordless(story) else []),
        ),
    )


def _heard_out(story: Story) -> Story:
    """The story with the end that counts, where a TLS 1.3 client left before it was judged.

    With its Finished sent, a client may use the connection and close it, before the server has
    read its certificate (RFC 8446 section 4.4.2.4): the server's alert then comes second and is no
    answer to the close. A server that accepted would have sent a ticket or data, or would have been
    waited for: where it had the time to judge, an alert that cannot be read answers the close.
    """
    ending = story.ending
    left = ending.side is Side.CLIENT and readable_alert(story) is None
    if not (story.tls13 and left and story.completed is False):
        return story
    if not passed(story, Milestone.CLIENT_FINISHED) or story.resumed:
        return story
    shown = story.milestones[Milestone.CLIENT_FINISHED].time
    for alert in story.alerts:
        late = alert.sender is Side.SERVER and alert.frame >= ending.frame
        due = alert.time - shown < _JUDGING_NS
        if late and (due or alert.description is not None):
            way = Way.ENCRYPTED_ALERT if alert.description is None else Way.ALERT
            end = Ending(way, Side.SERVER, alert.frame, alert.time, alert)
            return replace(story, ending=end)
    return story


def _took_leave(story: Story) -> bool:
    """Whether a client closed by an alert and had sent no data: a server may answer that by another.

    So leaves who judges the server's name last (psql), and so does a check that is refused before it sees it.
    """
    return story.ending.way is Way.ENCRYPTED_ALERT and not passed(story, Milestone.CLIENT_DATA)


_JUDGING_NS: Final = 1_000_000_000  # within which a server has judged a certificate


@once_per_story
def readable_alert(story: Story) -> AlertDescription | None:
    """The alert by which the first side gave up, close_notify not counted; None if unreadable."""
    alert = story.ending.alert
    if alert is None or alert.description is _A.CLOSE_NOTIFY:
        return None
    return alert.description


def server_certificate_refused(story: Story) -> Refusal | None:
    """The client gave up where it had to judge the server's certificate."""
    return refused_at(story, Step.SERVER_CERTIFICATE)


def client_certificate_withheld(story: Story) -> Refusal | None:
    """The client left when it was asked for a certificate."""
    refusal = refused_at(story, Step.CLIENT_CERTIFICATE)
    return refusal if refusal is not None and refusal.side is Side.CLIENT else None


def offer_refused(story: Story) -> Refusal | None:
    """The server gave up with the ClientHello as the last thing to answer."""
    return refused_at(story, Step.OFFER)


def choice_refused(story: Story) -> Refusal | None:
    """The client gave up over the server's choice, before it judged a certificate."""
    return refused_at(story, Step.CHOICE)


def key_exchange_refused(story: Story) -> Refusal | None:
    """A side gave up over the parameters or the signature of the key exchange."""
    return refused_at(story, Step.KEY_EXCHANGE)


def refused_at(story: Story, step: Step) -> Refusal | None:
    """The refusal, if it was at this step."""
    refusal = read_refusal(story)
    return refusal if refusal is not None and refusal.step is step else None


def _over(story: Story) -> bool:
    """The handshake was done, or nobody can know and no alert says otherwise."""
    if story.completed is None:
        alert = readable_alert(story)
        return alert is None
    return story.completed


def _is_doubtful(story: Story) -> bool:
    alert = story.ending.alert
    return alert is not None and alert.doubtful


def _wordless(story: Story) -> bool:
    """Whether a client left without an alert: scanners do as soon as they have seen what they wanted."""
    return story.ending.side is Side.CLIENT and story.ending.alert is None


SCANNER: Final = Alternative(
    "fine", "whether the client is a scanner, or had no need of the connection any more"
)
_LEFT: Final = Alternative(
    "closed_after_handshake",
    "the server's log: whether its alert merely answers the close of a client that minds the server's name",
)
_HIDDEN: Final = Alternative("ech_rejected", WOULD_DECIDE["ech_rejected"])
_DATA: Final = Alternative(
    "fine", "the keys of the session: whether the first of two short records is data, not an alert"
)


def _ceiling(story: Story, alert: AlertDescription | None) -> Confidence:
    if alert is not None:
        other = story.ending.side.peer.value if story.ending.side is not None else "server"
        unread = story.blind_to("start", "snap_length", f"{other}_bytes", f"{other}_side")
        return Confidence.SUSPECTED if unread and alert in VAGUE_ALERTS else Confidence.SEEN
    if _is_doubtful(story):
        return Confidence.SUSPECTED
    if story.ending.way is Way.ENCRYPTED_ALERT:
        return Confidence.INFERRED
    if not story.tls13 and not _wordless(story):
        return Confidence.INFERRED
    return Confidence.SUSPECTED
