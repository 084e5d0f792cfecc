"""What lies between the two ends: TCP, loss, hops, sizes, times; and the talk before TLS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.compare.difference import Difference, changed, known
from analyzer.tcp.evidence import TcpEvent
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Opening, Story

_SECOND: Final = 1_000_000_000
_MUCH: Final = 5  # times as long is worth a word
_NOTICED: Final = _SECOND // 5  # and so much longer at least


def paths(good: Story, bad: Story) -> Iterator[Difference]:
    """Compare what TCP shows."""
    yield from _opening(good, bad)
    yield from _closing(good, bad)
    yield from _loss(good, bad)
    for side in Side:
        a, b = _greeting(good, side), _greeting(bad, side)
        if a is None or b is None:
            continue
        word = side.value
        mss = (value if value > 0 else None for value in (a.mss, b.mss))
        yield from changed("path.mss", word, f"largest segment that the {word} takes (MSS)", *mss)
        hops = (a.ttl, b.ttl)
        what = f"TTL of the {word}'s first packet"
        yield from changed("path.ttl", "path", what, *hops, telling=1)
    yield from _reset_ttl(good, bad)


def _greeting(story: Story, side: Side) -> TcpEvent | None:
    return story.timeline.syn if side is Side.CLIENT else story.timeline.syn_ack


def _opening(good: Story, bad: Story) -> Iterator[Difference]:
    """What became of the client's SYN."""
    words = (answer_to_syn(story) for story in (good, bad))
    yield from changed("path.syn", "path", "answer to the SYN", *words, telling=3)


def answer_to_syn(story: Story) -> str:
    """What became of the client's SYN."""
    line = story.timeline
    if line.icmp and not line.syn_ack:
        return f"ICMP error of {line.icmp[0].reporter}"
    if line.end == "refused":
        return "RST"
    if line.syn is not None and line.syn_ack is None:
        return "none"
    return "SYN-ACK"


def _closing(good: Story, bad: Story) -> Iterator[Difference]:
    """Who ended the connection, and how."""
    ends = (end_text(story) for story in (good, bad))
    yield from changed("path.end", "path", "end of the connection", *ends, telling=1)
    if bad.timeline.rsts and not good.timeline.rsts:
        side = next(iter(bad.timeline.rsts)).value
        text = f"the failing connection is reset in the {side}'s name, the good one is not"
        yield Difference("path.reset", "path", "no reset", f"reset by the {side}", text, 2)
    if bad.timeline.end == "timeout" or bad.ending.waited_ns > max(
        good.ending.waited_ns * _MUCH, _SECOND
    ):
        waited = f"{bad.ending.waited_ns / _SECOND:.1f} s"
        side = bad.ending.side.value if bad.ending.side else "nobody"
        text = f"the failing connection stands still for {waited} before its end ({side} ends it)"
        yield Difference("path.silence", "path", "no silence", waited, text, 2)


def end_text(story: Story) -> str:
    """How the connection ended, and by whom."""
    by = f" by the {story.timeline.end_by.value}" if story.timeline.end_by else ""
    return f"{story.timeline.end}{by}"


def _loss(good: Story, bad: Story) -> Iterator[Difference]:
    for side in Side:
        a, b = good.timeline.retransmissions[side], bad.timeline.retransmissions[side]
        if b > a + 1 or (b and not a):
            text = f"{b} segments of the {side.value} were sent again, {known(a)} in the good one"
            yield Difference("path.retransmissions", "path", str(a), str(b), text, 1 + (b > a + 1))
        lost, before = bad.timeline.unacknowledged[side], good.timeline.unacknowledged[side]
        if lost and not before:
            text = f"{lost} bytes of the {side.value} were never acknowledged"
            yield Difference("path.unacknowledged", "path", "0", str(lost), text, 2)


def _reset_ttl(good: Story, bad: Story) -> Iterator[Difference]:
    pair = bad.timeline.rst_ttl
    if pair is not None and pair[0] != pair[1] and good.timeline.rst_ttl is None:
        text = f"the reset came with TTL {pair[0]}, its sender's other packets with {pair[1]}"
        yield Difference("path.reset_ttl", "path", NO_RESET, str(pair[0]), text, 3)


NO_RESET: Final = "no reset"


def times(good: Story, bad: Story) -> Iterator[Difference]:
    """Compare how long it took, where that is out of proportion."""
    a, b = good.timeline.rtt_ns, bad.timeline.rtt_ns
    if a and b and b > max(a * _MUCH, a + _NOTICED):
        words = (f"{value / 1e6:.1f} ms" for value in (a, b))
        yield from changed("times.rtt", "path", "round-trip time", *words)


def preludes(good: Story, bad: Story) -> Iterator[Difference]:
    """Compare what was said before TLS, and whether it was TLS at all."""
    a, b = good.prelude, bad.prelude
    kinds = (prelude.protocol if prelude else "TLS at once" for prelude in (a, b))
    yield from changed("prelude.protocol", "client", "beginning of the talk", *kinds, telling=3)
    if a and b and a.protocol == b.protocol:
        ends = (f"{p.end.value}: {p.text}" for p in (a, b))
        if a.end is not b.end:
            yield from changed(
                "prelude.answer", "server", f"answer to {a.protocol}", *ends, telling=3
            )
        yield from changed(
            "prelude.target", "client", "target asked of the proxy", a.target, b.target
        )
    for side in Side:
        spoken = (story.openings[side] for story in (good, bad))
        yield from _spoken(side, *spoken)


def _spoken(side: Side, good: Opening, bad: Opening) -> Iterator[Difference]:
    if good is Opening.TLS and bad not in {Opening.TLS, Opening.NOTHING, Opening.UNKNOWN}:
        text = f"the {side.value} of the failing connection speaks {bad.value}, not TLS"
        yield Difference("prelude.language", side.value, "TLS", bad.value, text, 3)
