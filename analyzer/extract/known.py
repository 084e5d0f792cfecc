"""What a capture's connections are, as far as an extract has to know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from analyzer.judging import Judged
from analyzer.limits import Limits
from analyzer.pipeline import Analysis
from analyzer.tcp.chosen import Span
from analyzer.tcp.evidence import Endpoint
from analyzer.tls.story import Story, Visibility


class Verdict(NamedTuple):
    """What must be the same of a connection in its extract."""

    outcome: str
    rule: str | None = None
    cause: str | None = None
    phase: str | None = None
    failing_side: str | None = None
    remedy_side: str | None = None
    confidence: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """One connection."""

    stream: int
    client: Endpoint
    server: Endpoint
    span: Span
    verdict: Verdict
    title: str | None
    names: frozenset[str]  # hosts that were asked for
    certified: frozenset[str]  # names and addresses that its certificates show in clear


def connections(analysis: Analysis, limits: Limits) -> list[Known]:
    """Read a capture: those that failed all, of others as many as a survey counts."""
    found: list[Known] = []
    for judged in analysis.judged():
        if judged.outcome == "failed" or len(found) < limits.surveyed:
            found.append(_known(judged))
    return sorted(found, key=lambda known: known.stream)


def verdict_of(judged: Judged) -> Verdict:
    """What is concluded of a connection."""
    headline = judged.diagnosis.headline
    if headline is None:
        return Verdict(judged.outcome)
    return Verdict(
        judged.outcome,
        headline.rule,
        headline.cause,
        headline.phase.value,
        headline.failing_side.value,
        headline.remedy_side.value,
        headline.confidence.value,
    )


def witnesses(of: Iterable[Known], among: Sequence[Known]) -> list[Known]:
    """Others of the same server, then of the same client, those nearest in the capture first."""
    found: dict[int, Known] = {}
    for one in of:
        others = [k for k in among if k.stream != one.stream]
        for alike in (
            [k for k in others if k.server == one.server],
            [k for k in others if k.client.ip == one.client.ip],
        ):
            alike.sort(key=lambda k, stream=one.stream: abs(k.stream - stream))  # type: ignore[misc]
            found |= {k.stream: k for k in alike[:_WITNESSES]}
    return list(found.values())


_WITNESSES: Final = 12  # of each kind, for each connection


def _known(judged: Judged) -> Known:
    story, headline = judged.story, judged.diagnosis.headline
    return Known(
        stream=story.stream,
        client=story.client,
        server=story.server,
        span=_span(story),
        verdict=verdict_of(judged),
        title=headline.title if headline is not None else None,
        names=frozenset(_names(story)),
        certified=frozenset(_certified(story)),
    )


def _span(story: Story) -> Span:
    timeline = story.timeline
    last = max([timeline.last_frame, *(event.frame for event in timeline.icmp)])
    return Span((story.client, story.server), timeline.first_frame, last)


def _names(story: Story) -> Iterable[str]:
    yield from (offer.server_name for offer in story.offers if offer.server_name)
    target = story.prelude.target if story.prelude is not None else None
    if target:
        yield target.rpartition(":")[0] or target


def _certified(story: Story) -> Iterable[str]:
    for chain in (story.server_chain, story.client_chain):
        if chain is None or _visibility(story, chain.frame) is not Visibility.SEEN:
            continue
        for certificate in chain.certificates:
            yield from (name.lower() for name in certificate.san_dns + certificate.san_ip)
            if certificate.subject_cn:
                yield certificate.subject_cn.lower()


def _visibility(story: Story, frame: int) -> Visibility | None:
    shown = [m.visibility for m in story.messages if m.name == "certificate" and m.frame == frame]
    return shown[0] if shown else None
