"""What the rest of the capture adds to a failure: since when, and with whom else it is the same.

Sentences for the headline's explanation. They never change a cause: what is true of neighbours need not be
true of this connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.diagnosis.signs.standing import awaited
from analyzer.diagnosis.wording import client_name, counted, listed, server_name, when
from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Moment, Past, SeenWith, Story


def history(story: Story) -> Iterator[str]:
    """Say what neighbours show, the most telling first."""
    yield from _beyond(story)
    since = tuple(_since(story))
    yield from since
    yield from _resuming(story)
    yield from _others(story)
    if not since:
        yield from _at_other_times(story)


def _beyond(story: Story) -> Iterator[str]:
    """That the server's host failed as a client in the meantime, where it failed here without a word of why."""
    found = story.neighbours.beyond
    if not found or not _helpless(story):
        return
    first = {one.server: one.moment for one in reversed(found)}
    told = listed([f"{server} (stream {first[server].stream})" for server in reversed(first)], 3)
    yield f"Meanwhile {story.server.ip} itself failed as a client, toward {told}: this may have waited for that."


def _helpless(story: Story) -> bool:
    """Whether the server left, or was waited for, without a word of TLS about it."""
    ending = story.ending
    if ending.side is Side.SERVER:
        alert = ending.alert.description if ending.alert is not None else None
        return ending.alert is None or alert is AlertDescription.INTERNAL_ERROR
    return awaited(story) is Side.SERVER


def _since(story: Story) -> Iterator[str]:
    """Whether this server served until some point, and what changed there."""
    seen, past = story.neighbours.server, story.neighbours.past
    last, first = past.last_established, past.first_failed
    if last is None or first is None or not last.time < first.time <= story.start:
        return
    yield (
        f"{server_name(story)} completed {counted(seen.established, 'handshake')} until {_at(last)}, "
        f"and none since {_at(first)}"
        + (
            f"; between them its certificate changed: {change}."
            if (change := _change(past, first))
            else "."
        )
    )


def _change(past: Past, first: Moment) -> str:
    """The serial numbers of the certificate before the first failure, and of that in it."""
    before = [serial for serial, (_, last) in past.certificates.items() if last.time < first.time]
    after = [serial for serial, (begun, _) in past.certificates.items() if begun.time >= first.time]
    return f"serial {before[-1]} before, {after[0]} after" if before and after else ""


def _resuming(story: Story) -> Iterator[str]:
    """A client that asks for an earlier session, at a server that completes full handshakes only."""
    seen, offer = story.neighbours.server, story.offer
    if offer is None or not (offer.session_ticket_nonempty or _resumes(story)):
        return
    full = seen.established - seen.resumed
    if full and not seen.resumed and story.completed is False:
        yield (
            f"The client asked to resume an earlier session; {counted(full, 'full handshake')} with this "
            "server completed and no resumed one: try without session tickets and caches."
        )


def _resumes(story: Story) -> bool:
    """Whether the offer holds a ticket of TLS 1.3: a key whose age is told."""
    shared = story.offer.pre_shared_key if story.offer is not None else None
    return shared is not None and any(shared.obfuscated_ages)


def _others(story: Story) -> Iterator[str]:
    """How the same server fares with other clients, and the same client with other servers."""
    server, client, pair = (
        story.neighbours.server,
        story.neighbours.client,
        story.neighbours.pair,
    )
    others = server.established - pair.established
    if others and not pair.established:
        yield (
            f"With other clients {server_name(story)} completed {counted(others, 'handshake')}"
            f"{_by_other_names(story, server)}."
        )
    elsewhere = client.established - pair.established
    if elsewhere and not pair.established:
        yield f"{client_name(story)} completed {counted(elsewhere, 'handshake')} with other servers."
    failed = server.failed - pair.failed
    if failed and not server.established:
        yield f"{server_name(story)} failed with other clients, too ({counted(failed, 'connection')})."


def _at_other_times(story: Story) -> Iterator[str]:
    """Whether the same two also succeed; several programs may share the client's address."""
    completed = story.neighbours.pair.established
    if completed:
        yield (
            f"Not always: {story.client.ip} completed {counted(completed, 'handshake')} with "
            f"{server_name(story)}, too{_by_other_names(story, story.neighbours.pair)}."
        )


def _by_other_names(story: Story, seen: SeenWith) -> str:
    """Which names were asked for where it went well, if none of them is the one that is asked for here."""
    asked = None if story.offer is None else story.offer.server_name or ""
    if asked is None or not seen.sni or asked in seen.sni:
        return ""
    names = [name for name in sorted(seen.sni) if name] + [_NAMELESS] * ("" in seen.sni)
    return f", asking for {listed(names, 3)}; this connection asks for {asked or _NAMELESS}"


_NAMELESS: Final = "no name"


def _at(moment: Moment) -> str:
    return f"{when(moment.time)} (stream {moment.stream})"
