"""Two connections side by side: the rows of the table, whether they differ or not."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.compare.difference import NONE, known, listed
from analyzer.compare.path import answer_to_syn, end_text
from analyzer.judging import Judged
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Chain, Story
from analyzer.tls.x509.facts import time_text


@dataclass(frozen=True, slots=True)
class Row:
    """One fact of both."""

    name: str
    good: str
    bad: str


def rows(good: Judged, bad: Judged) -> tuple[Row, ...]:
    """The facts of both connections, in the order in which a handshake comes to them."""
    a, b = _facts(good), _facts(bad)
    return tuple(Row(name, a[name], b[name]) for name in a)


def _facts(judged: Judged) -> dict[str, str]:
    story = judged.story
    return {
        "outcome": _outcome(judged),
        "client": str(story.client),
        "server": str(story.server),
        "answer to the SYN": answer_to_syn(story),
        "MSS": _tcp(story, "mss"),
        "TTL": _tcp(story, "ttl"),
        "round trip": NONE if story.timeline.rtt_ns is None else f"{story.timeline.rtt_ns / 1e6:.1f} ms",
        **_offer(story),
        "version": known(story.version),
        "suite": known(story.cipher_suite),
        "group": known(story.group),
        "ALPN": known(story.alpn),
        "server certificate": _chain(story.server_chain),
        "client certificate": _chain(story.client_chain),
        "messages": story.signature or NONE,
        "duration": f"{(story.end - story.start) / 1e9:.3f} s",
        "end": end_text(story),
    }  # fmt: skip


def _outcome(judged: Judged) -> str:
    headline = judged.diagnosis.headline
    return f"{judged.outcome}: {headline.cause}" if headline else judged.outcome


def _offer(story: Story) -> dict[str, str]:
    hello = story.offers[0] if story.offers else None
    return {
        "SNI": known(hello.server_name if hello else None),
        "offered versions": listed(hello.versions) if hello else NONE,
        "offered suites": listed(hello.cipher_suites) if hello else NONE,
        "offered groups": listed(hello.supported_groups) if hello else NONE,
        "offered signatures": listed(hello.signature_algorithms) if hello else NONE,
        "offered ALPN": listed(hello.alpn) if hello else NONE,
    }


def _tcp(story: Story, name: str) -> str:
    events = (story.timeline.syn, story.timeline.syn_ack)
    values = [str(v) if e and (v := getattr(e, name)) >= 0 else NONE for e in events]
    return f"{Side.CLIENT.value} {values[0]}, {Side.SERVER.value} {values[1]}"


def _chain(chain: Chain | None) -> str:
    if chain is None:
        return "not visible"
    if chain.leaf is None:
        return "none to show"
    leaf = chain.leaf
    return (
        f"{leaf.subject}, of {leaf.issuer}, until {time_text(leaf.not_after)}, {leaf.key_text}, "
        f"{len(chain.certificates)} sent"
    )
