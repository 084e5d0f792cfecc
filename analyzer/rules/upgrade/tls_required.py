"""The server insists on TLS, and the client asks for none.

## What it looks like
The client logs in or hands over a mail in clear, and the server says that it wants TLS first: 530 "Must issue
a STARTTLS command first" (SMTP), PRIVACYREQUIRED (IMAP), resultCode 13 (LDAP), error 3159 (MySQL), "no
pg_hba.conf entry … no encryption" (PostgreSQL). In TDS (SQL Server) a client with ENCRYPT_NOT_SUP meets a server
with ENCRYPT_REQ.

## Why it happens
TLS was made a must on the server, and not all clients were told; a client's setting was lost; or the client
looks for TLS on the wrong port.

## What it is not
A client that asks for TLS and is refused is TLS-UPG-002. A client that was told and goes on in clear, with the
server's consent, did not fail: that is noted only.

## What to do
Switch TLS on in the client.

## Blind spots
Servers say it in words of their own in POP3 and FTP; words in another language than English are not known.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.model import Evidence, Finding, Rank, Rule
from analyzer.diagnosis.topics import upgrading
from analyzer.diagnosis.wording import client_name, server_name
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Prelude, PreludeEnd, Sought, Story

RULE = Rule(
    id="TLS-UPG-004",
    name="tls-required",
    cause="tls_required",
    phase=Phase.CLIENT_HELLO,
    rank=Rank.DECISIVE,
    title="The server insists on TLS, and the client asks for none",
    references=(
        "RFC 3207 §4",
        "RFC 5530 §3",
        "RFC 4511 §4.1.9",
        "MS-TDS §2.2.6.5",
    ),
    topic=upgrading,
)


def check(story: Story) -> Iterator[Finding]:
    """Fire where a server wants TLS of a client that speaks in clear."""
    prelude = story.prelude
    if prelude is None or prelude.end is not PreludeEnd.REFUSED or story.choice is not None:
        return
    if prelude.sought is not Sought.NOTHING:
        return
    yield RULE.finding(
        Evidence(prelude.frame, f"server to a client that asks for no TLS: {prelude.text}"),
        title=f"{client_name(story)} does no TLS, which {server_name(story)} requires "
        f"({prelude.protocol}){', and goes on in clear' if prelude.in_clear else ''}",
        explanation="The server says that it wants TLS first, and the client did not ask for it.",
        remedy=_remedy(prelude),
        failing_side=_failing_side(story, prelude),
        remedy_side=RemedySide.CLIENT,
        confidence=Confidence.SEEN,
        rank=Rank.NOTE if prelude.in_clear else RULE.rank,
    )


def _failing_side(story: Story, prelude: Prelude) -> FailingSide:
    """The server refused; in TDS it only says what it wants, and who then closes gave up."""
    if prelude.in_clear:
        return FailingSide.NONE
    said_only = prelude.protocol == "tds" and story.ending.side is not Side.SERVER
    return FailingSide.CLIENT if said_only else FailingSide.SERVER


def _remedy(prelude: Prelude) -> tuple[str, ...]:
    setting = _SETTINGS.get(prelude.protocol, "STARTTLS")
    return (
        f"On the client: switch TLS on ({setting}), or take a program that has it.",
        "On the server, where that cannot be: do not insist on it for this client.",
    )


_SETTINGS = {
    "tds": "Encrypt=true",
    "postgresql": "sslmode=verify-full",
    "mysql": "--ssl-mode=VERIFY_IDENTITY",
    "ldap": "StartTLS, or ldaps://",
    "pop3": "STLS, or the port for TLS",
    "ftp": "AUTH TLS",
}
