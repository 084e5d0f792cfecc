"""What one connection shows of its server and of its client: the marks that a survey counts."""

from __future__ import annotations

import functools
from typing import Final, NamedTuple, TypeAlias

from analyzer.tcp.evidence import Endpoint
from analyzer.tcp.timeline import Side
from analyzer.tls.outline import Outline
from analyzer.tls.prelude.proxy_header import PROXY_PROTOCOL
from analyzer.tls.story import Milestone, Opening, Story, Visibility

# What one connection shows of an endpoint: ("versions", "TLSv1.3"), ("established", "") and so on.
Marks: TypeAlias = frozenset[tuple[str, str]]


class Shown(NamedTuple):
    """What one connection shows of its server and of its client."""

    server: Endpoint
    client: str  # its address: a port is its own each time
    of_server: Marks
    of_client: Marks
    start: int  # ns
    stream: int
    certificate: str | None = None  # serial number of the server's own
    used: bool = False  # completed, and the client sent data
    end: int = 0  # ns
    failed: bool = False  # TLS did, or nobody accepted the connection


DONE: Final = ("established", "")
LOST: Final = ("failed", "")
RESUMED: Final = ("resumed", "")


def shown_by(story: Story) -> Shown:
    """What a story adds to the survey."""
    done = story.completed is True
    numbers = {
        "established": done,
        "failed": story.completed is False and story.is_tls,
        "client_certificates": done and story.reached(Milestone.CLIENT_CERTIFICATE),
        "plaintext": _plain(story),
        "resumed": done and story.resumed is True,
        "upgraded": done and _upgraded(story),
    }
    values = {(kind, "") for kind, counts in numbers.items() if counts}
    if story.choice is not None:
        values |= _chosen(story.version, story.cipher_suite, story.group, story.alpn)
        values |= _accepted(story.choice.goes_without)
    if done and story.offer is not None:
        values.add(("sni", story.offer.server_name or ""))
    return Shown(
        story.server,
        story.client.ip,
        frozenset(values | _fatal(story, Side.SERVER)),
        frozenset(values | _fatal(story, Side.CLIENT)),
        story.start,
        story.stream,
        _serial(story),
        done and story.reached(Milestone.CLIENT_DATA),
        story.end,
        numbers["failed"] or (story.timeline.syn is not None and not story.timeline.accepted),
    )


def _serial(story: Story) -> str | None:
    """The serial number of the server's own certificate, where it is in sight."""
    chain = story.server_chain
    leaf = chain.leaf if chain is not None else None
    return leaf.serial if leaf is not None else None


def _plain(story: Story) -> bool:
    """Whether the server spoke plain text, and not only to say that it expects TLS."""
    answer = story.openings[Side.SERVER]
    return not story.is_tls and answer.foreign and answer is not Opening.HTTP_TLS_EXPECTED


def _upgraded(story: Story) -> bool:
    """Whether TLS was asked of the server in clear; what goes on before with a proxy is no matter of it."""
    prelude = story.prelude
    return prelude is not None and not (prelude.tunnel or prelude.protocol == PROXY_PROTOCOL)


def _fatal(story: Story, side: Side) -> set[tuple[str, str]]:
    for alert in story.alerts:
        if alert.sender is side and alert.fatal and alert.visibility is not Visibility.INFERRED:
            name = "" if alert.description is None else alert.description.name.lower()
            return {("alerts", name)}
    return set()


def shown_by_outline(outline: Outline) -> Shown:
    """What a connection that went well adds to the survey."""
    agreed = outline.version, outline.cipher_suite, outline.group, outline.alpn
    shown = _shown_by_success(
        *agreed,
        outline.sni or "",
        outline.goes_without,
        certified=outline.client_certificate,
        resumed=outline.resumed,
    )
    ends = outline.server, outline.client.ip
    used = True  # by both sides
    when = outline.start, outline.stream
    return Shown(*ends, shown, shown, *when, outline.certificate, used, outline.end)


@functools.lru_cache(maxsize=1024)
def _shown_by_success(
    version: str,
    suite: str,
    group: str | None,
    alpn: str | None,
    sni: str,
    without: tuple[str, ...],
    *,
    certified: bool,
    resumed: bool,
) -> Marks:
    """One object for what many showed."""
    flags = ("client_certificates", certified), ("resumed", resumed)
    values = _chosen(version, suite, group, alpn) | {(flag, "") for flag, is_set in flags if is_set}
    return frozenset(values | _accepted(without) | {("established", ""), ("sni", sni)})


def _accepted(without: tuple[str, ...]) -> set[tuple[str, str]]:
    """What the server does not insist on: it chose without."""
    return {("accepted_without", name) for name in without}


def _chosen(
    version: str | None, suite: str | None, group: str | None, alpn: str | None
) -> set[tuple[str, str]]:
    named = (("versions", version), ("cipher_suites", suite), ("groups", group), ("alpn", alpn))
    return {(kind, value) for kind, value in named if value}
