"""Whether a server that got something else had expected TLS, and how that shows."""

from __future__ import annotations

from analyzer.diagnosis.causes import Confidence
from analyzer.diagnosis.model import Evidence
from analyzer.diagnosis.wording import alert_phrase, counted
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Opening, Story, Way


def tls_expected(story: Story) -> tuple[Confidence, Evidence | None] | None:
    """How sure it is that the server expected TLS, with the frame that shows it.

    None where nothing speaks for it: the server answered in the client's own protocol, or the
    connection goes on.
    """
    for alert in story.alerts:
        if alert.sender is Side.SERVER:
            return Confidence.SEEN, Evidence(alert.frame, alert_phrase(alert))
    answer = story.openings[Side.SERVER]
    if answer is Opening.HTTP_TLS_EXPECTED:
        text = "server answered in clear that it expects TLS"
        return Confidence.SEEN, Evidence(story.first_data[Side.SERVER], text)
    if answer is not Opening.NOTHING or story.blind_to("server_side", "start"):
        return None
    if story.ending.way not in {Way.FIN, Way.RST} or story.ending.side is not Side.SERVER:
        return None
    spoken = story.neighbours.server.established
    if spoken:
        text = f"server closed; it completed {counted(spoken, 'TLS handshake')} in this capture"
        return Confidence.INFERRED, Evidence(story.ending.frame, text)
    return Confidence.SUSPECTED, None
