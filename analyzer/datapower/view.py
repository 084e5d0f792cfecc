"""Which objects took part in a connection: by listener or target, and the appliance's addresses.

Nothing is guessed: where the gateway could be either side there is no view, and where several services
may have made a connection with profiles of their own, they are named as such. A wrong object sends an
operator to change what is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from analyzer.datapower.faults import faults_of
from analyzer.datapower.graph import EVERYWHERE, Graph, is_address
from analyzer.datapower.rivals import may_have_sent
from analyzer.tcp.evidence import Endpoint
from analyzer.tls.objects import Leg, Listener, NameProfile, ObjectView, Profile, Target
from analyzer.tls.story import Story

_BY_PORT: Final = " (the gateway's own addresses are not known; --dp-address tells them)"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})


def with_objects(graph: Graph, story: Story) -> Story:
    """Give a story the objects that took part in it, where they can be told."""
    return replace(story, objects=view_of(graph, story))


def view_of(graph: Graph, story: Story) -> ObjectView | None:
    """The objects of one connection; None where they cannot be told for sure."""
    own = _own(graph)
    front = _front(graph, story, own)
    back = _back(graph, story, own)
    if front is not None and back is not None:
        if story.server.ip in own:  # from one service of the appliance to another
            return front
        return back if _named(graph, story, back) else None
    return front or back


def _own(graph: Graph) -> frozenset[str]:
    """The appliance's addresses: those of its interfaces, and those that it listens on."""
    bound = {one.address for one in graph.listeners if is_address(one.address)} - EVERYWHERE
    return graph.addresses | bound | _LOOPBACK


def _front(graph: Graph, story: Story, own: frozenset[str]) -> ObjectView | None:
    port, address = story.server.port, story.server.ip
    if graph.addresses and address not in own:
        return None
    fitting = [one for one in graph.listeners if one.port == port and _listens(graph, one, address)]
    up = [one for one in fitting if one.enabled] or fitting
    chosen = [one for one in up if one.address == address] or up
    if not chosen:
        return None
    listener = chosen[0]
    listener = replace(listener, faults=faults_of(graph, listener, story.start))
    certain = bool(graph.addresses) or listener.address == address
    place = Endpoint(listener.address, listener.port)
    found_by = f"it listens on {place}{'' if certain else _BY_PORT}"
    view = ObjectView(Leg.FRONT, listener.domain, found_by, listener=listener, certain=certain)
    if len(chosen) > 1:  # which of them got the port no export says
        return view
    return with_profile(view, listener.profile, story)


def _listens(graph: Graph, listener: Listener, address: str) -> bool:
    if listener.address in EVERYWHERE:
        return _on(graph, listener, address)
    return listener.address == address


def _on(graph: Graph, thing: Listener | Target, address: str) -> bool:
    """Whether an address may be one of the appliance that an object is on."""
    return not thing.appliance or address in thing.appliance | graph.told | _LOOPBACK


def with_profile(
    view: ObjectView, profile: Profile | NameProfile | None, story: Story
) -> ObjectView:
    """Add the profile of a listener; that of a host name map is chosen by the name asked for."""
    if isinstance(profile, NameProfile):
        name = story.offer.server_name if story.offer is not None else None
        return replace(view, names=profile, profile=choose(profile, name))
    return replace(view, profile=profile)


def choose(names: NameProfile, name: str | None) -> Profile | None:
    """The profile that a host name map gives for a name; the default only where there is none."""
    if not name:
        return names.default
    for pattern, profile in names.mapping:
        if fnmatchcase(name.lower(), pattern.lower()):
            return profile
    return None


def _back(graph: Graph, story: Story, own: frozenset[str]) -> ObjectView | None:
    if graph.addresses and story.client.ip not in own:
        return None
    port, client = story.server.port, story.client.ip
    fitting = [one for one in graph.targets if one.port == port and _on(graph, one, client)]
    chosen = [target for target in fitting if _names_server(target, story)]
    if not chosen and graph.addresses:
        chosen = _left_over(fitting, story)
    chosen = [target for target in chosen if target.enabled] or chosen
    fit = [target for target in chosen if may_have_sent(target, story.offer)]
    keys = {_profile_key(target) for target in chosen}
    if len(keys) < 2:
        return _view(chosen, certain=bool(graph.addresses)) if chosen else None
    if len({_profile_key(target) for target in fit}) == 1:
        return _view(fit, certain=bool(graph.addresses), among=len(keys))
    return _either(fit, story) if fit else None


def _view(chosen: Sequence[Target], *, certain: bool, among: int = 1) -> ObjectView:
    """The target that took part. It stands for others with its profile, and may be the one that fits the hello."""
    target = chosen[0]
    place = Endpoint(target.host, target.port)
    alone = (
        f"; of {among} profiles with which services connect there its alone fits the ClientHello"
    )
    return ObjectView(
        leg=Leg.BACK,
        domain=target.domain,
        found_by=f"its {target.setting} is {place}{_too(chosen)}{alone if among > 1 else ''}"
        f"{'' if certain else _BY_PORT}",
        target=target,
        profile=target.profile,
        certain=certain,
    )


def _either(fit: Sequence[Target], story: Story) -> ObjectView | None:
    """Targets with profiles of their own, of which no packet says which it was; None where they are many."""
    rivals = tuple({_profile_key(target): target for target in reversed(fit)}.values())[::-1]
    if len(rivals) > _RIVALS_MOST:
        return None
    return ObjectView(
        leg=Leg.BACK,
        domain=" or ".join(dict.fromkeys(target.domain for target in rivals)),
        found_by=f"each connects to {story.server}, and no packet says which of them did",
        certain=False,
        rivals=rivals,
    )


_RIVALS_MOST: Final = 3


def _too(chosen: Sequence[Target]) -> str:
    """Other services that connect there with the same profile: which of them did, no packet says."""
    others = list(dict.fromkeys(one.label for one in chosen if one.label != chosen[0].label))
    if not others:
        return ""
    more = f" and {len(others) - _TWINS} more" if len(others) > _TWINS else ""
    return f", as that of {', '.join(others[:_TWINS])}{more}"


_TWINS: Final = 3


def _names_server(target: Target, story: Story) -> bool:
    """Whether a target is this server: by address, or by the name that the gateway asked for."""
    asked = story.offer.server_name if story.offer is not None else None
    if target.host == story.server.ip:
        return True
    if asked is None:
        return False
    custom = target.profile.custom_name if target.profile is not None else None
    # The dot that ends an absolute name is not part of a server name (RFC 6066 section 3).
    return asked.lower() == (custom or target.host).lower().rstrip(".")


def _left_over(fitting: Iterable[Target], story: Story) -> list[Target]:
    """The only target on this port, where it is given by a name and the gateway sent none."""
    asked = story.offer.server_name if story.offer is not None else None
    named = [target for target in fitting if not is_address(target.host)]
    return named if len(named) == 1 and asked is None else []


def _profile_key(target: Target) -> tuple[str, str | None, str]:
    return target.domain, target.profile.label if target.profile is not None else None, target.host


def _named(graph: Graph, story: Story, view: ObjectView) -> bool:
    """Whether a back side is beyond doubt though a front side fits too."""
    return view.target is not None and _names_server(view.target, story) and not graph.addresses
