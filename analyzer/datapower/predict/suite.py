"""Which suite, group and signature a profile and a client have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analyzer.datapower.predict.talk import Refusal, Refused, Talk
from analyzer.tls.message.client_hello import ClientHello
from analyzer.tls.objects import Credential, Profile
from analyzer.tls.registry.code_points import AlertDescription, ProtocolVersion
from analyzer.tls.registry.keys import NamedGroup, SignatureScheme
from analyzer.tls.registry.suite_facts import SuiteFacts, facts_of
from analyzer.tls.registry.suites import CipherSuite
from analyzer.tls.x509.chain import CertificateFacts

_A = AlertDescription
_SHOWN: Final = 4


def choose_suite(
    talk: Talk, profile: Profile, version: ProtocolVersion | None
) -> CipherSuite | None:
    """The first suite that both list and can use; None if the export leaves that open."""
    if profile.suites is None:
        talk.miss("Ciphers")
        return None
    if version is None:
        return None
    common = common_suites(profile, talk.hello)
    fitting = [facts for facts in common if facts.allowed_in(version)]
    if not fitting:
        raise Refusal(_no_suite(talk.hello, profile, version, common))
    key = leaf_of(profile.credential)
    keyed = [facts for facts in fitting if key is None or key_fits(facts, key)]
    if not keyed:
        raise Refusal(_wrong_key(profile, fitting, key))
    usable = [facts for facts in keyed if _has_curve(facts, profile, talk.hello)]
    if not usable:
        raise Refusal(_no_group(talk.hello, profile))
    first = usable[0]
    whose = "the client's" if profile.prefers_own_order is False else "the profile's"
    talk.tell(f"suite: {first.suite.name}, the first in {whose} order that both have")
    return first.suite


def common_suites(profile: Profile, hello: ClientHello) -> list[SuiteFacts]:
    """Suites that profile and client both list, in the order that decides."""
    own, offered = profile.suites or (), hello.cipher_suites
    first, second = (offered, own) if profile.prefers_own_order is False else (own, offered)
    return [facts_of(suite) for suite in first if suite in second]


def key_fits(facts: SuiteFacts, leaf: CertificateFacts) -> bool:
    """Whether a certificate's key can authenticate a suite (RFC 5246 section 7.4.2)."""
    kinds = {
        "RSA": {"RSA", "RSASSA-PSS"},
        "ECDSA": {"EC", "Ed25519", "Ed448"},
        "DSS": {"DSA"},
    }.get(facts.authentication)
    return kinds is None or leaf.key_kind is None or leaf.key_kind in kinds


def _has_curve(facts: SuiteFacts, profile: Profile, hello: ClientHello) -> bool:
    """Up to TLS 1.2 an ECDHE suite needs a common curve (RFC 8422 section 4)."""
    offered = hello.supported_groups
    if facts.key_exchange != "ECDHE" or profile.groups is None or not offered:
        return True
    return bool(set(profile.groups) & set(offered))


def _no_suite(
    hello: ClientHello,
    profile: Profile,
    version: ProtocolVersion,
    common: Sequence[SuiteFacts],
) -> Refused:
    offered = [facts_of(suite) for suite in hello.cipher_suites]
    real = [f.suite for f in offered if not f.scsv and f.key_exchange and f.allowed_in(version)]
    names = ", ".join(suite.name.removeprefix("TLS_") for suite in real[:_SHOWN]) or "none"
    rest = f" and {len(real) - _SHOWN} more" if len(real) > _SHOWN else ""
    if common:
        text = f"Ciphers shares with the client only suites that {version.label} cannot use"
    else:
        text = "Ciphers holds none of the client's suites"
    return Refused(
        "no_shared_cipher",
        _A.HANDSHAKE_FAILURE,
        profile.label,
        "Ciphers",
        f"{text}; for {version.label} the client offers {names}{rest}",
        f"add one of the client's suites to Ciphers of {profile.label} "
        f"({names}{rest}), or let the client offer one that is there",
    )


def _wrong_key(
    profile: Profile, fitting: Sequence[SuiteFacts], leaf: CertificateFacts | None
) -> Refused:
    key = leaf.key_text if leaf is not None else "key"
    wanted = " or ".join(dict.fromkeys(facts.authentication for facts in fitting))
    name = profile.credential.name if profile.credential is not None else ""
    return Refused(
        "no_shared_cipher",
        _A.HANDSHAKE_FAILURE,
        profile.label,
        "Idcred",
        f"Idcred {name} has a key of kind {key}, and the suites in common need {wanted}",
        f"add suites for a key of kind {key} to Ciphers of {profile.label}, or give CryptoIdentCred "
        f"{name} a certificate with a key for {wanted}",
    )


def choose_group(
    talk: Talk, profile: Profile, suite: CipherSuite | None, *, tls13: bool
) -> tuple[NamedGroup | None, bool]:
    """The group of the key exchange, and whether it takes a HelloRetryRequest to get there."""
    if suite is None or facts_of(suite).key_exchange not in {"ECDHE", "TLS13"}:
        return None, False
    if profile.groups is None:
        talk.miss("EllipticCurves")
        return None, False
    offered = talk.hello.supported_groups
    common = [group for group in profile.groups if group in offered]
    if not common:
        if not tls13 and not offered:
            return None, False
        raise Refusal(_no_group(talk.hello, profile))
    shares = {share.group for share in talk.hello.key_shares} if tls13 else set(common)
    at_once = next((group for group in common if group in shares), None)
    chosen = at_once or common[0]
    asks = "" if at_once else ", asked for by HelloRetryRequest"
    talk.tell(f"group: {chosen.name}{asks}")
    return chosen, at_once is None


def _no_group(hello: ClientHello, profile: Profile) -> Refused:
    offered = ", ".join(group.name for group in hello.supported_groups if group.registered)
    has = ", ".join(group.name for group in profile.groups or ())
    return Refused(
        "no_shared_group",
        _A.HANDSHAKE_FAILURE,
        profile.label,
        "EllipticCurves",
        f"EllipticCurves ({has}) holds none of the client's groups ({offered})",
        f"add a group of the client to EllipticCurves of {profile.label}, or let the client offer "
        "secp256r1 as well",
    )


def choose_signature(talk: Talk, profile: Profile, leaf: CertificateFacts) -> None:
    """In TLS 1.3 the certificate's key must fit a scheme of the client (RFC 8446 section 4.2.3)."""
    offered = talk.hello.signature_algorithms
    if not offered or leaf.key_kind not in {"RSA", "EC"}:
        return
    fitting = [scheme for scheme in offered if _signs(scheme, leaf)]
    if not fitting:
        name = profile.credential.name if profile.credential is not None else ""
        raise Refusal(
            Refused(
                "no_shared_sigalg",
                _A.HANDSHAKE_FAILURE,
                profile.label,
                "Idcred",
                f"Idcred {name} has a key of kind {leaf.key_text}, and the client takes no signature "
                "of such a key",
                f"give CryptoIdentCred {name} a certificate with a key of the other kind (RSA or "
                "ECDSA), or let the client take such signatures",
            )
        )
    talk.tell(f"signature: {fitting[0].name}")


def _signs(scheme: SignatureScheme, leaf: CertificateFacts) -> bool:
    if leaf.key_kind == "RSA":
        return scheme.name.startswith("rsa_pss_rsae")
    if not scheme.name.startswith("ecdsa_"):
        return False
    return leaf.curve is None or leaf.curve in scheme.name


def leaf_of(credential: Credential | None) -> CertificateFacts | None:
    """The certificate that a credential stands for, where its content is known."""
    certificate = credential.certificate if credential is not None else None
    return certificate.leaf if certificate is not None else None
