"""The client does not trust the authority at the end of the server's chain.

## What it looks like
Right after the server's flight the client sends unknown_ca (48; OpenSSL, NSS),
certificate_unknown (46; Java) or bad_certificate (42; Go, GnuTLS), or closes (Node). No other
fault of the certificate is in sight.

## Why it happens
The root is private, new, or was removed from the client's trust store; or a proxy in the path
presents certificates of its own authority.

## What it is not
An intermediate that the server forgot to send is TLS-CERT-005: the alert is the same. A
certificate that is its own issuer is TLS-CERT-006. What tells them apart: where the server sent
intermediates, or the root itself, the root is what the client lacks. Where the certificate came
alone, the issuer counts as an intermediate if the certificate says where to fetch it or its name
says so.

## What to do
Put the root into the trust store of the client's *program* (Java, Python and containers have
their own). The remedy is on the client unless the server should have had a certificate of a known
authority.

## Blind spots
Trust is a setting of the client and never on the wire. In TLS 1.3 the chain is encrypted, so that
this, a missing intermediate and a self-signed certificate look alike.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Phase, RemedySide
from analyzer.diagnosis.model import Finding, Rank, Rule
from analyzer.diagnosis.reaching import reach_by_name
from analyzer.diagnosis.verdicts.certificates import (
    server_certificate_causes,
    server_certificate_verdicts,
)
from analyzer.diagnosis.wording import certificate_of, client_name, sent_with_it, trusted_issuer
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-CERT-004",
    name="untrusted-ca",
    cause="untrusted_ca",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.FACT,
    title="The client does not trust the authority that issued the server's certificate",
    references=("RFC 5280 §6.1", "RFC 8446 §6.2"),
    topic=server_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the server's certificate if it is this cause."""
    for verdict in server_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=(
                f"{client_name(story)} does not trust {certificate_of(story, Side.SERVER)}"
                f"{sent_with_it(story)}"
            ),
            explanation=verdict.because(
                "A client accepts a chain that ends in an authority of its own trust "
                "store. Which authorities those are is the client's configuration."
            ),
            remedy=(
                (
                    f"Client: add the root that the chain ends in{_named(story)} to the "
                    "trust store of the program that connects."
                ),
                (
                    "Check what that program would accept, with its roots in root.pem: "
                    "openssl s_client -connect "
                    f"{reach_by_name(story)} -CAfile root.pem -showcerts </dev/null"
                ),
                (
                    "If the server should have a certificate of a public authority, "
                    "install that; if a proxy in the path signs its own, trust its root "
                    "or exempt the connection."
                ),
                (
                    "DataPower as the client: add the root, and in PKIX mode every "
                    "intermediate that the server does not send, to the Crypto Validation"
                    " Credentials of the TLS client profile."
                ),
            ),
            remedy_side=RemedySide.CLIENT,
        )


def _named(story: Story) -> str:
    """The root in brackets, where the chain is in clear."""
    root = trusted_issuer(story)
    return f" ({root})" if root is not None else ""
