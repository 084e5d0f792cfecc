"""The client retried with a lower version than the server supports, and the server refused that.

## What it looks like
TLS_FALLBACK_SCSV among the client's suites, and the server answers inappropriate_fallback (86).

## Why it happens
An earlier attempt with a higher version failed, for any reason (a reset, a timeout, a middle
box), and the client blamed the version. The signal protects it from being pushed down.

## What it is not
The reason is in the earlier attempt: look at this client's connections just before.

## What to do
Find out why the first attempt failed; switch the fallback off in the client.

## Blind spots
The earlier attempt may have gone another way or lie before the capture.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.terms import offered_versions
from analyzer.diagnosis.verdicts.negotiation import negotiation_causes, negotiation_verdicts
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-NEG-003",
    name="inappropriate-fallback",
    cause="inappropriate_fallback",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.ALERT,
    title="The client retried with a lower version than the server supports",
    references=("RFC 7507 §3",),
    topic=negotiation_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the negotiation if it is this cause."""
    for verdict in negotiation_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=(
                f"{client_name(story)} fell back to {offered_versions(story)}, and "
                f"{server_name(story)} refused the downgrade"
            ),
            explanation=verdict.reason(
                "A client says by TLS_FALLBACK_SCSV that it retries with a lower "
                "version; a server that supports a higher one must refuse."
            ),
            remedy=(
                (
                    "Client: remove the fallback, or find out why its attempt with the "
                    "higher version failed: look at its connections just before this one."
                ),
                ("Network: see whether something in the path breaks newer ClientHellos."),
            ),
            remedy_side=RemedySide.CLIENT,
        )
