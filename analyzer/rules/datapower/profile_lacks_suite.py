"""A TLS profile of the gateway lacks every cipher suite of the other side.

## What it looks like
handshake_failure (40) answers the ClientHello. Front: ``Ciphers`` of the server profile and the
client's list have nothing in common for the version. Back: the gateway offers exactly what
``Ciphers`` of the client profile holds, and the server takes none of it.

## Why it happens
A profile was hardened, or moved from a cipher string to an explicit list; defaults lost RC4, then
3DES and plain RSA; TLS 1.3 was switched on and its suites were not added.

## What it is not
Suites in common that the key cannot serve are TLS-DPX-004; a missing curve is TLS-DPX-003.

## What to do
Add one of the other side's suites to the profile that the finding names.

## Blind spots
On the back side the server's list is not known: what the server refuses may be a name or a group.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.datapower.predict.answer import answer
from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.rules.datapower import read_case
from analyzer.tls.message.client_hello import ClientHello
from analyzer.tls.objects import Profile
from analyzer.tls.registry.suite_facts import facts_of
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-DPX-002",
    name="profile-lacks-suite",
    cause="no_shared_cipher",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.OBJECT,
    title="A TLS profile of the gateway lacks every suite of the other side",
    references=("RFC 8446 §4.1.3",),
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where the profile's list and the other side's have nothing in common."""
    case = read_case(story)
    profile = case.profile if case is not None else None
    if case is None or profile is None or story.offer is None or profile.suites is None:
        return
    if not case.states("Ciphers", "Protocols") or not case.may_be(RULE.cause):
        return
    if case.front:
        refused = answer(profile, story.offer).refused if case.gateway_refused else None
        if refused is None or (refused.cause, refused.setting) != (RULE.cause, "Ciphers"):
            return
        problem, change = refused.text, refused.change
    elif (
        case.wire.cause == RULE.cause
        and not case.gateway_refused
        and _as_sent(profile, story.offer)
    ):
        problem = f"Ciphers holds no suite that {case.peer} takes"
        change = f"add a suite of {case.peer} to Ciphers of {profile.label}"
    else:
        return
    yield case.finding(
        RULE,
        label=profile.label,
        problem=problem,
        why="A server must find one suite in the client's list that it has enabled.",
        remedy=(f"DataPower: {change}.",),
        remedy_side=case.gateway_side,
        confidence=None if case.front else case.wire.confidence,
    )


def _as_sent(profile: Profile, offer: ClientHello) -> bool:
    """Whether the hello is what the client profile makes: nothing in it that is not listed."""
    real = {s for s in offer.cipher_suites if not facts_of(s).scsv and facts_of(s).key_exchange}
    return bool(real) and real <= set(profile.suites or ())
