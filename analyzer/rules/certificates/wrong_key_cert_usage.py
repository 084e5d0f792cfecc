"""The server's certificate may not be used to authenticate a server, or not with this key exchange.

## What it looks like
Extended key usage is present and lacks serverAuth, or key usage lacks what the chosen suite
needs: digitalSignature for (EC)DHE, keyEncipherment for RSA. Or an intermediate's extended key usage
lacks serverAuth, which OpenSSL, Go and others read as the bound of what it may issue for. Clients send unsupported_certificate
(43), bad_certificate (42) or certificate_unknown (46).

## Why it happens
A client, code-signing or CA certificate was installed on a server, or the certificate template of
the CA lacks the purpose. Some clients do not take anyExtendedKeyUsage for it (OpenSSL, NSS).

## What it is not
A short key or an old signature algorithm is TLS-CERT-009 or TLS-CERT-010; some Java versions send
43 for them too.

## What to do
Have the certificate reissued from a template for web servers.

## Blind spots
Many clients do not check key usage. In TLS 1.3 the certificate is encrypted.
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
from analyzer.diagnosis.wording import presented, server_name
from analyzer.tls.story import Story

RULE = Rule(
    id="TLS-CERT-008",
    name="wrong-key-cert-usage",
    cause="wrong_key_cert_usage",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.FACT,
    title="The server's certificate may not be used for this",
    references=("RFC 5280 §4.2.1.3", "RFC 5280 §4.2.1.12"),
    topic=server_certificate_causes,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield the verdict on the server's certificate if it is this cause."""
    for verdict in server_certificate_verdicts(story, RULE.cause):
        yield verdict.finding(
            RULE,
            title=verdict.title(
                story,
                f"The certificate of {server_name(story)}{presented(story)} is not meant for this use",
            ),
            explanation=verdict.beyond(
                "Key usage and extended key usage limit what a certificate may prove."
            ),
            remedy=(
                (
                    "Server: reissue the certificate with extended key usage serverAuth "
                    "and key usage digitalSignature (and keyEncipherment for RSA key "
                    "exchange)."
                ),
                (
                    f"Look at it: openssl s_client -connect {reach_by_name(story)} "
                    "</dev/null | openssl x509 -noout -purpose -ext "
                    "keyUsage,extendedKeyUsage"
                ),
                (
                    "DataPower: put the reissued certificate into the Crypto "
                    "Identification Credentials of the TLS server profile."
                ),
            ),
            remedy_side=RemedySide.SERVER,
        )
