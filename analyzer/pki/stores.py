"""Files that hold certificates: PEM, DER, PKCS#7, PKCS#12 and Java keystores, told by their bytes.

Certificates are kept as the bytes that they are, so that damaged ones are shown as well. Private
keys are never kept: of each only the public half is, to say whose it is. No password is guessed but
the empty one; passwords never appear in a message.
"""

from __future__ import annotations

import binascii
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from analyzer.errors import CaptureError, DecodeError
from analyzer.pki.jks import MAGICS, password_fits, read_java_store
from analyzer.tls.x509 import der
from analyzer.tls.x509.der import Value, context, read_oid, read_value

if TYPE_CHECKING:
    from io import BufferedReader

    from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12KeyAndCertificates

LARGEST: Final = 64 << 20  # bytes; the roots of a whole system take half of one
_HEAD: Final = 64 << 10  # PEM begins here, behind what people write before it
_PKCS12_VERSION: Final = b"\x03"
_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate in a file; ``label`` is its alias or friendly name."""

    der: bytes
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Store:
    """What a file holds. ``public_keys`` (SubjectPublicKeyInfo) are those of its private keys."""

    path: str
    kind: str  # PEM, DER, PKCS#7, PKCS#12, JKS, JCEKS
    certificates: tuple[Held, ...] = ()
    crls: tuple[bytes, ...] = ()
    public_keys: tuple[bytes, ...] = ()
    notes: tuple[str, ...] = ()  # what could not be read, in sentences


@dataclass(frozen=True, slots=True)
class Passwords:
    """Passwords to try, in this order. They are not shown when the value is."""

    given: tuple[bytes, ...] = field(default=(), repr=False)


NO_PASSWORDS: Final = Passwords()


def read_store(path: str, passwords: Passwords = NO_PASSWORDS) -> Store | None:
    """Read a file of certificates; None where it is no such file, and may be a capture.

    Raises:
        CaptureError: It cannot be opened, or not without a password that was not given.
    """
    data = _read(path)
    return None if data is None else store_of(data, path, passwords)


def read_input(passwords: Passwords = NO_PASSWORDS) -> Store | None:
    """As :func:`read_store`, of standard input; of a capture nothing is taken from it.

    What ``openssl s_client -showcerts`` prints begins with text.
    """
    stream = cast("BufferedReader", sys.stdin.buffer)
    head = stream.peek(4)[:4]
    text = head.strip().isascii() and head.decode("latin-1").replace("\n", " ").isprintable()
    if (not text or head in _TEXT_CAPTURES) and head[:1] != b"\x30" and head not in MAGICS:
        return None
    data = stream.read(LARGEST)
    return store_of(data, "standard input", passwords) or Store("standard input", "PEM")


_TEXT_CAPTURES: Final = frozenset({b"snoo", *(b"BZh%d" % level for level in range(1, 10))})


def store_of(data: bytes, path: str, passwords: Passwords = NO_PASSWORDS) -> Store | None:
    """As :func:`read_store`, of a file's bytes. ``path`` is for messages."""
    if data[:4] in MAGICS:
        return _java(data, path, passwords)
    if b"-----BEGIN " in data[:_HEAD]:
        return _pem(data, path, passwords)
    return _binary(data, path, passwords)


def _read(path: str) -> bytes | None:
    """The bytes of a file that looks as if it held certificates."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(_HEAD)
            if not _looks_right(head):
                _be_readable_again(path)
                return None
            data = head + file.read(LARGEST - len(head) + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        problem = f"cannot be opened ({reason[:1].lower()}{reason[1:]})"
        hint = "check the path and who may read it"
        raise CaptureError(problem, path=path, hint=hint) from error
    if len(data) > LARGEST:
        hint = "give the certificates alone"
        raise CaptureError(f"holds more than {LARGEST >> 20} MiB", path=path, hint=hint)
    return data


def _be_readable_again(path: str) -> None:
    if Path(path).is_fifo():
        hint = "write a capture to a file first, or give it as standard input"
        raise CaptureError("is a pipe that brings no certificates", path=path, hint=hint)


def _looks_right(head: bytes) -> bool:
    if head[:4] in _CAPTURES:  # a capture may well carry PEM
        return False
    return head[:4] in MAGICS or b"-----BEGIN " in head or head[:1] == b"\x30"


_CAPTURES: Final = frozenset(
    bytes.fromhex(magic) for magic in ("a1b2c3d4", "d4c3b2a1", "a1b23c4d", "4d3cb2a1", "0a0d0d0a")
)

_BLOCK: Final = re.compile(
    rb"-----BEGIN ([A-Z0-9 #]{1,40})-----\s*?\n(.*?)-----END \1-----", re.DOTALL
)
_CERTIFICATES: Final = frozenset({"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"})
_BUNDLES: Final = frozenset({"PKCS7", "PKCS #7 SIGNED DATA", "CMS"})


def _pem(data: bytes, path: str, passwords: Passwords) -> Store:
    """All blocks of a PEM file (RFC 7468), in order."""
    certificates: list[Held] = []
    crls: list[bytes] = []
    keys: list[bytes] = []
    notes: list[str] = []
    for label, body, whole in _blocks(data):
        if label.endswith("PRIVATE KEY"):
            keys += _public_half(whole, passwords)
            continue
        try:
            raw = binascii.a2b_base64(body)
            if label in _CERTIFICATES:
                certificates.append(Held(_first(raw)))
            elif label in _BUNDLES:
                bundle = _signed_data(raw)
                certificates += bundle.certificates
                crls += bundle.crls
            elif label == "X509 CRL":
                crls.append(raw)
        except (binascii.Error, DecodeError):
            notes.append(f"a block '{label}' is damaged and was left out")
    return Store(path, "PEM", tuple(certificates), tuple(crls), tuple(keys), tuple(notes))


def _blocks(data: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    for match in _BLOCK.finditer(data.replace(b"\r\n", b"\n")):
        yield match[1].decode("ascii"), match[2], match[0]


def _first(raw: bytes) -> bytes:
    """The certificate itself: OpenSSL's trusted form has settings behind it."""
    try:
        return read_value(raw).whole
    except DecodeError:
        return raw  # damaged: shown as it is


def _binary(data: bytes, path: str, passwords: Passwords) -> Store | None:
    """A DER file: what it is shows in its first values."""
    try:
        whole = read_value(data)
        first = next(whole.items(), None) if whole.tag == der.SEQUENCE else None
        second = next(first.items(), None) if first and first.tag == der.SEQUENCE else None
    except DecodeError:
        return None
    if first is None:
        return None
    if first.tag == der.OID and read_oid(first.content) == _SIGNED_DATA:
        return replace(_signed_data(data), path=path)
    if first.tag == der.INTEGER and first.content == _PKCS12_VERSION:
        return _pkcs12(data, path, passwords)
    if first.tag == der.INTEGER:
        return Store(path, "DER", public_keys=_public_half(data, passwords))
    if second is None:
        return None
    if _is_crl(first):
        return Store(path, "DER", crls=(data,))
    return Store(path, "DER", (Held(whole.whole),)) if _is_certificate(first) else None


def _is_certificate(tbs: Value) -> bool:
    """A TBSCertificate has version and serial number, or in version 1 the serial number, first."""
    kinds = [value.tag for value in tbs.children()[:3]]
    return kinds[:2] == [context(0), der.INTEGER] or kinds == [der.INTEGER, *[der.SEQUENCE] * 2]


def _is_crl(tbs: Value) -> bool:
    """RFC 5280 section 5.1: version (2 or none), signature, issuer, thisUpdate."""
    kinds = [value.tag for value in tbs.children()[:4]]
    kinds = kinds[1:] if kinds[:1] == [der.INTEGER] else kinds
    return kinds[:2] == [der.SEQUENCE] * 2 and kinds[2:3] in (
        [der.UTC_TIME],
        [der.GENERALIZED_TIME],
    )


def _signed_data(data: bytes) -> Store:
    """The certificates and CRLs of a PKCS#7 file (RFC 5652 section 5.1).

    ::

        SignedData ::= SEQUENCE {
            version, digestAlgorithms SET, encapContentInfo SEQUENCE,
            certificates [0] IMPLICIT CertificateSet OPTIONAL,
            crls [1] IMPLICIT RevocationInfoChoices OPTIONAL, signerInfos SET }
    """
    _, content = read_value(data).children()[:2]
    parts = read_value(content.content).children()
    certificates = [v.whole for p in parts if p.tag == context(0) for v in p.items()]
    crls = [v.whole for p in parts if p.tag == context(1) for v in p.items()]
    return Store("", "PKCS#7", tuple(Held(raw) for raw in certificates), tuple(crls))


def _java(data: bytes, path: str, passwords: Passwords) -> Store:
    found = read_java_store(data)
    notes = [found.problem] if found.problem else []
    if passwords.given and not any(password_fits(data, p) for p in passwords.given):
        notes.append("the password given does not fit; whether the file is whole is not known")
    if found.keys:
        notes.append(
            f"{'its private key was' if found.keys == 1 else 'private keys were'} left closed"
        )
    held = tuple(Held(raw, alias) for alias, raw in found.certificates)
    return Store(path, found.kind, held, notes=tuple(notes))


def _pkcs12(data: bytes, path: str, passwords: Passwords) -> Store:
    """A PKCS#12 file (RFC 7292), opened with the first password that fits."""
    for password in (*passwords.given, None, b""):
        opened = _opened(data, password)
        if opened is not None:
            return _of_pkcs12(opened, path)
    given = "none of the passwords given opens it" if passwords.given else "needs a password"
    hint = "give it with --password-file FILE or --password-env NAME"
    raise CaptureError(f"a PKCS#12 store: {given}", path=path, hint=hint)


def _opened(data: bytes, password: bytes | None) -> PKCS12KeyAndCertificates | None:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - only for such files
    from cryptography.hazmat.primitives.serialization import pkcs12  # noqa: PLC0415 - as above

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of certificates that we judge ourselves
        try:
            return pkcs12.load_pkcs12(data, password)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            return None


def _of_pkcs12(opened: PKCS12KeyAndCertificates, path: str) -> Store:
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - as above

    own = (opened.cert,) if opened.cert is not None else ()
    held = tuple(
        Held(
            one.certificate.public_bytes(Encoding.DER),
            one.friendly_name.decode("utf-8", "replace") if one.friendly_name else None,
        )
        for one in (*own, *opened.additional_certs)
    )
    keys = () if opened.key is None else (_public_der(opened.key.public_key()),)
    return Store(path, "PKCS#12", held, public_keys=keys)


def _public_half(data: bytes, passwords: Passwords) -> tuple[bytes, ...]:
    """The public key that belongs to a private one; nothing where it cannot be opened."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - as above

    pem = data.startswith(b"-----")
    load = serialization.load_pem_private_key if pem else serialization.load_der_private_key
    for password in (None, *passwords.given):
        try:
            return (_public_der(load(data, password).public_key()),)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
    return ()


def _public_der(key: object) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - as above

    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined, no-any-return]
