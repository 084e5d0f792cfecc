"""The matrix before another judge: the verifier of ``cryptography``, written for web servers.

It says yes or no without a number. Where it applies (roots, dates, names, purposes; no revocation
lists, one security level, no partial chains to choose) it must agree with us, but for the table.
"""

from __future__ import annotations

import ipaddress
import warnings
from typing import Final

import pytest
from cryptography import x509
from cryptography.x509 import verification

from tests.pki.matrix import Case, cases
from tests.pki.test_matrix import verdict

# docs/certificates.md has the same reasons.
DIFFERENCES: Final = {
    "good, issuer's name in other case": "it compares names byte by byte",
    "good, Ed25519 root": "it takes the algorithms of web authorities only",
    "good, no key identifiers": "it demands the authority key identifier",
    "good, self-signed CA and trusted": "it takes no authority for a leaf",
    "intermediate trusted without its root": "every certificate of its store ends a path",
    "intermediate trusted, its root sent": "every certificate of its store ends a path",
    "leaf trusted, not its root": "every certificate of its store ends a path",
    "a hundred intermediates": "it follows eight issuers at most",
    "root before its cross-signature": "it tries every path, not the first alone",
    "root of version 1": "it demands basic constraints of every authority",
    "root with key usage alone": "it demands basic constraints of every authority",
    "path length, self-issued below": "it counts self-issued authorities too",
    "critical TLS feature": "it knows no critical TLS feature",
    "server: key for neither": "it does not look at the leaf's key usage",
    "client: key that encrypts": "it does not look at the leaf's key usage",
    "any purpose, none asked": "it always asks for a purpose",
    "short RSA key": "it looks at the keys of authorities only",
    "small curve": "it looks at the keys of authorities only",
    "constraints: self-issued authority": "without a subject, it demands that names are critical",
    "constraints: with a dot, below": "it takes no constraint with a dot before it",
    "constraints: common name beside an address": "it does not read the common name",
    "name: common name alone": "it does not read the common name",
    "name: common name beside a mail address": "it does not read the common name",
}


def applies(case: Case) -> bool:
    default = case.crl_check == "at-hand" and case.level == 2 and not case.partial
    return default and bool(case.trusted) and (case.purpose == "sslclient" or subject(case) != "")


def subject(case: Case) -> str:
    """The name to ask for: the case's, else the leaf's first that is a host or an address."""
    if case.host:
        return case.host
    try:
        extension = case.sent[0].certificate.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except x509.ExtensionNotFound:
        return ""
    kinds = (x509.DNSName, x509.IPAddress)
    return next((str(n.value) for n in extension.value if isinstance(n, kinds)), "")


def agrees_to(case: Case) -> bool:
    store = verification.Store([made.certificate for made in case.trusted])
    builder = verification.PolicyBuilder().store(store).time(case.at.replace(tzinfo=None))
    leaf, *others = (made.certificate for made in case.sent)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if case.purpose == "sslclient":
                builder.build_client_verifier().verify(leaf, others)
            else:
                builder.build_server_verifier(name(subject(case))).verify(leaf, others)
        except verification.VerificationError:
            return False
    return True


def name(host: str) -> x509.DNSName | x509.IPAddress:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


APPLY = [case for case in cases() if applies(case)]


@pytest.mark.parametrize("case", APPLY, ids=lambda case: case.id)
def test_the_second_judge_agrees_but_for_the_table(case: Case) -> None:
    assert (agrees_to(case) != verdict(case).ok) is (case.id in DIFFERENCES)


def test_the_table_names_chains_that_are_judged() -> None:
    assert set(DIFFERENCES) <= {case.id for case in APPLY}
    assert len(APPLY) >= 60
