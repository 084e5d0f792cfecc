"""Whom a CryptoValCred trusts, by mode: the leaf itself, its issuer, or a path to a root."""

from __future__ import annotations

import pytest

from analyzer.datapower.judge import judge
from analyzer.tls.objects import CertificateObject, Validation
from analyzer.tls.x509.chain import read_certificate
from tests.tls.certificates import Made, chain, make

LEAF, ISSUING, ROOT = chain()
OTHER = make("Other root", ca=True)
RENEWED = make("leaf", issuer=ISSUING, dns=("server.example",), serial=7)


def validation(mode: str | None, *held: Made | None) -> Validation:
    """A credential with these certificates; None is one whose file was not given."""
    objects = tuple(
        CertificateObject(str(i), content=(read_certificate(one.der),) if one else ())
        for i, one in enumerate(held)
    )
    return Validation("v", mode=mode, certificates=objects)


@pytest.mark.parametrize(
    ("mode", "held", "sent", "trusted"),
    [
        ("exact-match", [LEAF], [LEAF], True),
        ("exact-match", [LEAF], [RENEWED], False),
        ("exact-match", [ISSUING, ROOT], [LEAF], False),
        ("legacy", [LEAF], [LEAF], True),
        ("legacy", [ISSUING], [LEAF], True),
        ("legacy", [ROOT], [LEAF], False),
        ("legacy", [ROOT], [LEAF, ISSUING], False),
        ("pkix", [ROOT], [LEAF, ISSUING], True),
        ("pkix", [ROOT], [LEAF], False),
        ("pkix", [ROOT, ISSUING], [LEAF], True),
        ("pkix", [ISSUING], [LEAF], False),
        ("pkix", [OTHER], [LEAF, ISSUING, ROOT], False),
        ("pkix", [ROOT, None], [LEAF, ISSUING], None),
        (None, [ROOT], [LEAF, ISSUING], None),
        ("pkix", [], [LEAF], None),
        ("pkix", [ROOT], [], None),
    ],
)
def test_trust_by_mode(
    mode: str | None, held: list[Made | None], sent: list[Made], trusted: bool | None
) -> None:
    presented = [read_certificate(one.der) for one in sent]

    assert judge(validation(mode, *held), presented).trusted is trusted


@pytest.mark.parametrize(
    ("mode", "held", "sent", "missing"),
    [
        ("exact-match", [ROOT], [LEAF], "CN=leaf"),
        ("legacy", [ROOT], [LEAF], "CN=Intermediate"),
        ("pkix", [ROOT], [LEAF], "CN=Intermediate"),
        ("pkix", [OTHER], [LEAF, ISSUING], "CN=Root"),
        ("pkix", [OTHER], [LEAF, ISSUING, ROOT], "CN=Root"),
    ],
)
def test_what_is_missing_is_named(
    mode: str, held: list[Made], sent: list[Made], missing: str
) -> None:
    presented = [read_certificate(one.der) for one in sent]

    assert judge(validation(mode, *held), presented).missing == missing
