"""Certificates and chains of them: facts, signatures, and how what was sent fits together.

This is the one module that uses the ``cryptography`` library, loaded when a signature is to be
checked for the first time. Everything is remembered by DER: certificates repeat.
"""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from analyzer.tls.registry.keys import SignatureScheme
from analyzer.tls.x509.dn import same_name
from analyzer.tls.x509.facts import CertificateFacts, read_facts, time_text
from analyzer.tls.x509.name_constraints import violations

if TYPE_CHECKING:
    from cryptography import x509

__all__ = [
    "CertificateFacts",
    "ChainFacts",
    "chain_facts",
    "library_refuses",
    "read_certificate",
    "signed_by",
    "time_text",
]

_REMEMBERED: Final = 4096  # certificates; a chain of three takes about 5 kB


@functools.lru_cache(maxsize=_REMEMBERED)
def read_certificate(der: bytes) -> CertificateFacts:
    """Read a certificate, and check the signature of one that names itself as its issuer."""
    facts = read_facts(der)
    if not facts.self_issued:
        return facts
    return replace(facts, self_signed=signed_by(der, der))


@functools.lru_cache(maxsize=_REMEMBERED)
def signed_by(child: bytes, parent: bytes) -> bool | None:
    """Whether the key of ``parent`` verifies the signature of ``child``; names do not matter.

    None where that cannot be told: an algorithm that the library does not have, a key that does not
    fit the algorithm, or a certificate that the library refuses.
    """
    from cryptography import x509  # noqa: PLC0415 - a tenth of a second that most runs need not spend
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library warns of certificates that we judge ourselves
        try:
            _verify(x509.load_der_x509_certificate(child), x509.load_der_x509_certificate(parent))
        except InvalidSignature:
            return False
        except (UnsupportedAlgorithm, ValueError, TypeError, x509.InvalidVersion):
            return None
    return True


def verifies(der: bytes, scheme: SignatureScheme, signature: bytes, signed: bytes) -> bool | None:
    """Whether the key of a certificate verifies a signature of the handshake.

    None where that cannot be told: a scheme or key that the library does not have, or a key that does
    not fit the scheme.
    """
    from cryptography import x509  # noqa: PLC0415 - as above
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15  # noqa: PLC0415

    known: dict[str | None, hashes.HashAlgorithm] = {
        "sha1": hashes.SHA1(),  # noqa: S303 - to check what others signed
        "sha256": hashes.SHA256(),
        "sha384": hashes.SHA384(),
        "sha512": hashes.SHA512(),
    }
    hash_ = known.get(scheme.hash)
    family = scheme.name.partition("_")[0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            key = x509.load_der_x509_certificate(der).public_key()
        if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey) and family[:2] == "ed":
            key.verify(signature, signed)
        elif isinstance(key, ec.EllipticCurvePublicKey) and hash_ and family == "ecdsa":
            key.verify(signature, signed, ec.ECDSA(hash_))
        elif isinstance(key, rsa.RSAPublicKey) and hash_ and family == "rsa":
            salted = scheme.name.startswith("rsa_pss")
            padding = PSS(MGF1(hash_), hash_.digest_size) if salted else PKCS1v15()
            key.verify(signature, signed, padding, hash_)
        else:
            return None
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError, TypeError, x509.InvalidVersion):
        return None
    return True


def _verify(child: x509.Certificate, parent: x509.Certificate) -> None:
    """Verify, or raise: InvalidSignature, or what the library has against the algorithm."""
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.padding import PSS, PKCS1v15  # noqa: PLC0415

    key = parent.public_key()
    signature, signed = child.signature, child.tbs_certificate_bytes
    how = child.signature_algorithm_parameters
    hash_ = child.signature_hash_algorithm
    if isinstance(key, rsa.RSAPublicKey) and isinstance(how, PSS | PKCS1v15) and hash_ is not None:
        key.verify(signature, signed, how, hash_)
    elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(how, ec.ECDSA):
        key.verify(signature, signed, how)
    elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey) and how is None:
        key.verify(signature, signed)
    elif isinstance(key, dsa.DSAPublicKey) and hash_ is not None:
        key.verify(signature, signed, hash_)
    else:
        raise TypeError("the key cannot make such a signature")


@functools.lru_cache(maxsize=_REMEMBERED)
def library_refuses(der: bytes) -> str | None:
    """Why the library refuses a certificate, in its own words; None where it takes it.

    Stricter than most clients: a hint where a client called a certificate bad.
    """
    from cryptography import x509  # noqa: PLC0415 - as above
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            certificate = x509.load_der_x509_certificate(der)
            _ = (certificate.subject, certificate.issuer, certificate.not_valid_after_utc)
            _ = (certificate.extensions, certificate.public_key())
        except UnsupportedAlgorithm:
            return None  # not the certificate's fault
        except KeyError as error:  # a TLS feature (RFC 7633) whose number it does not know
            return f"an extension holds the unknown number {error}"
        except (ValueError, TypeError, x509.InvalidVersion, x509.DuplicateExtension) as error:
            return str(error).partition("\n")[0][:200] or type(error).__name__
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFacts:
    """How the certificates of one message fit together. Indices are 0-based, as sent.

    ``issuers`` gives for every certificate which one of the others issued it: by name, key identifier
    and, where there is a choice, signature. ``path`` leads from the leaf upwards through them.
    ``missing_issuer`` is set where the leaf's issuer was not sent and the leaf is not its own: an
    intermediate is missing unless the peer trusts that issuer directly. ``anchor`` is the issuer at
    the end of the path, which the peer must know.
    """

    count: int
    issuers: tuple[int | None, ...] = ()
    path: tuple[int, ...] = ()
    in_order: bool = True  # each was issued by the next
    unused: tuple[int, ...] = ()  # not on the path
    missing_issuer: str | None = None
    missing_issuer_urls: tuple[str, ...] = ()  # where the leaf says that it can be fetched
    anchor: str | None = None
    anchor_urls: tuple[str, ...] = ()
    root_sent: bool = False  # needless, unless it is trusted by being sent
    self_signed_leaf: bool = False
    bad_signatures: tuple[int, ...] = ()  # the issuer was sent, and its key does not verify
    not_ca: tuple[int, ...] = ()  # issuers without the CA flag
    no_cert_sign: tuple[int, ...] = ()  # issuers whose key usage forbids to sign certificates
    path_length_violated: tuple[int, ...] = ()  # CAs that allow fewer below themselves
    constraints_violated: tuple[tuple[int, str], ...] = ()  # (CA, name of the leaf)
    weak_keys: tuple[int, ...] = ()
    weak_signatures: tuple[int, ...] = ()  # MD5 and SHA-1; not those of roots
    unknown_critical: tuple[int, ...] = ()
    broken: tuple[int, ...] = ()  # with a defect

    @property
    def verdict(self) -> tuple[str, ...]:
        """What is wrong with the chain, in words for machines; empty where nothing is."""
        flags = {
            "empty": self.count == 0,
            "self_signed": self.self_signed_leaf,
            "missing_issuer": self.missing_issuer is not None,
            "out_of_order": not self.in_order,
            "unused_certificates": bool(self.unused),
            "root_sent": self.root_sent,
            "bad_signature": bool(self.bad_signatures),
            "issuer_not_ca": bool(self.not_ca),
            "issuer_may_not_sign": bool(self.no_cert_sign),
            "path_length": bool(self.path_length_violated),
            "name_constraints": bool(self.constraints_violated),
            "weak_key": bool(self.weak_keys),
            "weak_signature": bool(self.weak_signatures),
            "unknown_critical_extension": bool(self.unknown_critical),
            "malformed": bool(self.broken),
        }
        return tuple(word for word, applies in flags.items() if applies)


_CHAIN_MOST: Final = 16  # certificates looked at: real chains have two to five


@functools.lru_cache(maxsize=1024)
def chain_facts(ders: tuple[bytes, ...]) -> ChainFacts:
    """Judge a chain as sent, leaf first. Trust and time are not part of it."""
    certificates = tuple(read_certificate(der) for der in ders[:_CHAIN_MOST])
    if not certificates:
        return ChainFacts(count=0)
    issuers = tuple(_issuer_of(index, certificates) for index in range(len(certificates)))
    path = _path(issuers)
    leaf, top = certificates[0], certificates[path[-1]]
    alone = len(path) == 1 and bool(leaf.issuer_der) and not leaf.self_issued
    on_path = [(index, certificates[index]) for index in path]
    above = on_path[1:]
    return ChainFacts(
        count=len(ders),
        issuers=issuers,
        path=path,
        in_order=path == tuple(range(len(path))),
        unused=tuple(index for index in range(len(certificates)) if index not in path),
        missing_issuer=leaf.issuer if alone else None,
        missing_issuer_urls=leaf.issuer_urls if alone else (),
        anchor=top.issuer,
        anchor_urls=top.issuer_urls,
        root_sent=any(facts.self_issued for facts in certificates[1:]),
        self_signed_leaf=leaf.self_issued and leaf.self_signed is not False,
        bad_signatures=_bad_signatures(certificates, issuers),
        not_ca=tuple(i for i, facts in above if not _is_ca(facts)),
        no_cert_sign=tuple(
            i for i, facts in above if facts.key_usage and "keyCertSign" not in facts.key_usage
        ),
        path_length_violated=_too_deep(on_path),
        constraints_violated=tuple(
            (i, name) for i, facts in above for name in violations(facts, leaf)
        ),
        weak_keys=tuple(i for i, facts in on_path if facts.weak_key),
        weak_signatures=tuple(
            i for i, facts in on_path if facts.weak_signature and not facts.self_issued
        ),
        unknown_critical=tuple(i for i, facts in on_path if facts.unknown_critical),
        broken=tuple(i for i, facts in on_path if facts.defect is not None),
    )


def _issuer_of(index: int, certificates: tuple[CertificateFacts, ...]) -> int | None:
    """Which of the others issued a certificate; the next one where several could have."""
    child = certificates[index]
    if child.self_issued or not child.issuer_der:
        return None
    named = [
        other
        for other, facts in enumerate(certificates)
        if other != index and same_name(facts.subject_der, child.issuer_der)
    ]
    named.sort(key=lambda other: (not _key_fits(child, certificates[other]), other != index + 1))
    if len(named) < 2:
        return named[0] if named else None
    verified = (other for other in named if signed_by(child.der, certificates[other].der))
    return next(verified, named[0])


def _key_fits(child: CertificateFacts, parent: CertificateFacts) -> bool:
    wanted, have = child.authority_key_id, parent.subject_key_id
    return wanted is None or have is None or wanted == have


def _path(issuers: tuple[int | None, ...]) -> tuple[int, ...]:
    path = [0]
    while (above := issuers[path[-1]]) is not None and above not in path:
        path.append(above)
    return tuple(path)


def _is_ca(facts: CertificateFacts) -> bool:
    """Whether a certificate may issue others; roots of version 1 cannot say so, and are let pass."""
    return facts.ca is True or (facts.version < 3 and facts.self_issued)


def _bad_signatures(
    certificates: tuple[CertificateFacts, ...], issuers: tuple[int | None, ...]
) -> tuple[int, ...]:
    """Certificates whose issuer was sent by name and key, and did not sign them."""
    bad = [
        index
        for index, facts in enumerate(certificates)
        if facts.self_signed is False and facts.self_issued
    ]
    for index, above in enumerate(issuers):
        if above is None or not _key_fits(certificates[index], certificates[above]):
            continue
        if signed_by(certificates[index].der, certificates[above].der) is False:
            bad.append(index)
    return tuple(sorted(bad))


def _too_deep(path: list[tuple[int, CertificateFacts]]) -> tuple[int, ...]:
    """CAs with more intermediates below than they allow (RFC 5280 section 4.2.1.9)."""
    found: list[int] = []
    below = 0
    for index, facts in path[1:]:
        if facts.path_length is not None and below > facts.path_length:
            found.append(index)
        below += not facts.self_issued
    return tuple(found)
