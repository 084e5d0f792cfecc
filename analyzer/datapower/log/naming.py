"""The log names objects, the export holds them: what each says of the other.

The gateway's own word on which object took part settles what addresses and ports leave open. Where it
names another object than the one they lead to, the export is of another state, or the log of another
domain: then no object is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from analyzer.datapower.faults import faults_of
from analyzer.datapower.graph import Graph
from analyzer.datapower.log.codes import class_of
from analyzer.datapower.view import with_profile
from analyzer.tls.loglines import LogLine, LogView
from analyzer.tls.objects import Leg, Listener, ObjectView, Profile, Target
from analyzer.tls.story import Story

_SERVICES: Final = frozenset(
    {"MultiProtocolGateway", "WSGateway", "XMLFirewallService", "SSLProxyService"}
)
_BY_LOG: Final = "the gateway's log names it"


def with_named(graph: Graph, story: Story) -> Story:
    """Settle by the log which objects took part; where both disagree, say so and name none."""
    log = story.log
    if log is None or not log.lines or log.contradictions:
        return story
    if story.objects is None or (story.objects.profile is None and story.objects.names is None):
        view = _view_of(graph, story, log)
        return story if view is None else replace(story, objects=view)
    against = tuple(_against(story.objects, log))
    if not against:
        return story
    return replace(story, objects=None, log=replace(log, contradictions=against))


def _against(view: ObjectView, log: LogView) -> Iterator[str]:
    """How the log's names differ from the objects that addresses and ports lead to."""
    line = log.lines[0]
    if log.leg is not None and log.leg is not view.leg:
        return
    if log.domain is not None and view.domain and not view.rivals and log.domain != view.domain:
        yield (
            f"the log ({line.place}) is of domain {log.domain}; by address and port the connection "
            f"belongs to {view.place} of domain {view.domain}"
        )
        return
    held = {one.label for one in (view.profile, view.names) if one is not None}
    kinds = {label.partition(" ")[0] for label in held}
    for kind, name, line in _named(log.lines):
        if kind in kinds and f"{kind} {name}" not in held:
            yield (
                f"the log ({line.place}) names {kind} {name}; by address and port it is "
                f"{', '.join(sorted(held))}"
            )
            return


def _named(lines: Iterable[LogLine]) -> Iterator[tuple[str, str, LogLine]]:
    return ((class_of(line), line.name, line) for line in lines if line.kind and line.name)


def _view_of(graph: Graph, story: Story, log: LogView) -> ObjectView | None:
    """The objects that the lines name, as the export holds them; None where several fit."""
    names = {(kind, name) for kind, name, _ in _named(log.lines)}
    domain = log.domain or "default"
    if log.leg is Leg.FRONT:
        return _front(graph, story, names, domain)
    return _back(graph, story, names, domain) if log.leg is Leg.BACK else None


def _front(
    graph: Graph, story: Story, names: set[tuple[str, str]], domain: str
) -> ObjectView | None:
    found = [
        one
        for one in graph.listeners
        if one.domain == domain and one.port == story.server.port and _is_named(one, names)
    ]
    if len(found) != 1:
        return None
    listener = replace(found[0], faults=faults_of(graph, found[0], story.start))
    view = ObjectView(Leg.FRONT, domain, _BY_LOG, listener=listener)
    view = with_profile(view, listener.profile, story)
    told = {one.label for one in (view.profile, view.names) if one is not None}
    kinds = {label.partition(" ")[0] for label in told}
    fits = all(f"{kind} {name}" in told for kind, name in names if kind in kinds)
    return view if fits else None


def _is_named(listener: Listener, names: set[tuple[str, str]]) -> bool:
    profile = listener.profile
    of_profile = profile is not None and tuple(profile.label.split(" ", 1)) in names
    handlers = {kind for kind, _ in names if kind.endswith(("Handler", "Service"))}
    by_handler = (listener.kind, listener.name) in names
    return by_handler or (of_profile and not handlers)


def _back(
    graph: Graph, story: Story, names: set[tuple[str, str]], domain: str
) -> ObjectView | None:
    profiles = [p for p in graph.profiles if p.domain == domain and _is_client(p, names)]
    services = {(kind, name) for kind, name in names if kind in _SERVICES}
    targets = [
        one
        for one in graph.targets
        if one.domain == domain
        and one.port == story.server.port
        and (one.kind, one.name) in services
        and (not profiles or one.profile in profiles)
    ]
    profile = profiles[0] if len(profiles) == 1 else _only(targets)
    if profile is None:
        return None
    target = targets[0] if len(targets) == 1 else None
    return ObjectView(Leg.BACK, domain, _BY_LOG, target=target, profile=profile)


def _is_client(profile: Profile, names: set[tuple[str, str]]) -> bool:
    return (profile.kind, profile.name) in names and profile.kind == "SSLClientProfile"


def _only(targets: list[Target]) -> Profile | None:
    return targets[0].profile if len(targets) == 1 else None
