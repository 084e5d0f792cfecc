"""Certificates of the bench: two roots, one intermediate, and leaves with one fault each."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    NameOID,
    ObjectIdentifier,
)

HOST = "gateway.example"
OTHER = "partner.example"
DAY = dt.timedelta(days=1)
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
UNKNOWN = ObjectIdentifier("1.3.6.1.4.1.99999.1")
PASSWORD = "bench"
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Plan:
    """How a certificate is to be; the defaults make a good server certificate."""

    common: str = HOST
    issuer: str = "intermediate"
    start: dt.timedelta = -30 * DAY
    end: dt.timedelta = 3650 * DAY
    usage: ObjectIdentifier | None = SERVER
    rsa_bits: int = 0
    ca: bool = False
    path_length: int | None = None
    sha1: bool = False
    critical: bool = False
    must_staple: bool = False
    permitted: str = ""
    aia: bool = False


PLANS = {
    "root": Plan("Example Root CA", "", ca=True, usage=None),
    "foreign": Plan("Foreign Root CA", "", ca=True, usage=None),
    "intermediate": Plan("Example Issuing CA", "root", ca=True, usage=None),
    "stale-ca": Plan("Example Stale CA", "root", ca=True, usage=None, end=-1 * DAY),
    "no-ca": Plan("Example Department", "root", usage=None),
    "narrow-ca": Plan("Example Narrow CA", "root", ca=True, usage=None, permitted="inner.example"),
    "good": Plan(),
    "good-rsa": Plan(rsa_bits=2048),
    "expired": Plan(end=-1 * DAY),
    "future": Plan(start=5 * DAY),
    "self-signed": Plan(issuer=""),
    "other-name": Plan(OTHER),
    "client-only": Plan(usage=CLIENT),
    "weak": Plan(rsa_bits=1024),
    "sha1": Plan(rsa_bits=2048, issuer="rsa-ca", sha1=True),
    "rsa-ca": Plan("Example RSA CA", "root", ca=True, usage=None, rsa_bits=2048),
    "critical": Plan(critical=True),
    "revoked": Plan(),
    "must-staple": Plan(must_staple=True),
    "below-stale": Plan(issuer="stale-ca"),
    "below-no-ca": Plan(issuer="no-ca"),
    "below-narrow": Plan(issuer="narrow-ca"),
    "with-aia": Plan(aia=True),
    "mine": Plan("client one", usage=CLIENT),
    "mine-expired": Plan("client two", usage=CLIENT, end=-1 * DAY),
    "mine-future": Plan("client three", usage=CLIENT, start=5 * DAY),
    "mine-wrong": Plan("client four", usage=SERVER),
    "mine-foreign": Plan("client five", "foreign", usage=CLIENT),
    "mine-revoked": Plan("client six", usage=CLIENT),
}


class Authority:
    """Writes every certificate of the plans into a folder, in the forms that programs read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificates: dict[str, x509.Certificate] = {}
        self.keys: dict[str, Key] = {}
        for name in PLANS:
            self._issue(name)
        for name in sorted(PLANS, key=lambda name: PLANS[name].sha1):
            if PLANS[name].sha1:
                self._sign_with_sha1(name)
            self._write(name)
        self._revoke("intermediate", "revoked", "mine-revoked")
        self._revoke("root")
        crls = [folder / f"{name}.crl.pem" for name in ("root", "intermediate")]
        (folder / "crls.pem").write_bytes(b"".join(path.read_bytes() for path in crls))
        root = (folder / "root.pem").read_bytes()
        (folder / "root-and-crls.pem").write_bytes(root + (folder / "crls.pem").read_bytes())

    def path(self, name: str, kind: str = "pem") -> str:
        """A file: pem (alone), chain.pem, parts.pem (issuers), all.pem (with key), key, p12."""
        return str(self.folder / f"{name}.{kind}")

    def _issue(self, name: str) -> None:
        if name in self.certificates:
            return
        plan = PLANS[name]
        if plan.issuer:
            self._issue(plan.issuer)
        key: Key = (
            rsa.generate_private_key(65_537, plan.rsa_bits)
            if plan.rsa_bits
            else ec.generate_private_key(ec.SECP256R1())
        )
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"),
                x509.NameAttribute(NameOID.COMMON_NAME, plan.common),
            ]
        )
        signer = self.keys[plan.issuer] if plan.issuer else key
        by = self.certificates[plan.issuer].subject if plan.issuer else subject
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(by)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 60 * DAY if plan.ca else NOW + plan.start)
            .not_valid_after(NOW + plan.end)
        )
        builder = _extended(builder, plan, key, signer)
        self.keys[name] = key
        self.certificates[name] = builder.sign(signer, hashes.SHA256())

    def _sign_with_sha1(self, name: str) -> None:
        """Sign again with what no library signs with any more: another OID, another signature."""
        made, signer = self.certificates[name], self.keys[PLANS[name].issuer]
        assert isinstance(signer, rsa.RSAPrivateKey)
        was, now = (bytes.fromhex(f"2a864886f70d0101{end}") for end in ("0b", "05"))
        body = made.tbs_certificate_bytes.replace(was, now)
        signature = signer.sign(body, padding.PKCS1v15(), hashes.SHA1())
        der = made.public_bytes(Encoding.DER).replace(made.tbs_certificate_bytes, body)
        der = der.replace(was, now).replace(made.signature, signature)
        self.certificates[name] = x509.load_der_x509_certificate(der)

    def _write(self, name: str) -> None:
        issuers, at = [], PLANS[name].issuer
        while at and PLANS[at].issuer:
            issuers.append(at)
            at = PLANS[at].issuer
        pem = {n: self.certificates[n].public_bytes(Encoding.PEM) for n in (name, *issuers)}
        key = self.keys[name]
        plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        parts = b"".join(pem[n] for n in issuers)
        for kind, data in (
            ("pem", pem[name]),
            ("key", plain),
            ("parts.pem", parts),
            ("chain.pem", pem[name] + parts),
            ("all.pem", plain + pem[name] + parts),
            ("alone.pem", plain + pem[name]),
        ):
            (self.folder / f"{name}.{kind}").write_bytes(data)
        store = pkcs12.serialize_key_and_certificates(
            name.encode(),
            key,
            self.certificates[name],
            [self.certificates[n] for n in issuers],
            BestAvailableEncryption(PASSWORD.encode()),
        )
        (self.folder / f"{name}.p12").write_bytes(store)

    def _revoke(self, issuer: str, *names: str) -> None:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificates[issuer].subject)
            .last_update(NOW - DAY)
            .next_update(NOW + 365 * DAY)
        )
        for name in names:
            entry = x509.RevokedCertificateBuilder().revocation_date(NOW - DAY)
            entry = entry.serial_number(self.certificates[name].serial_number)
            builder = builder.add_revoked_certificate(entry.build())
        crl = builder.sign(self.keys[issuer], hashes.SHA256())
        (self.folder / f"{issuer}.crl.pem").write_bytes(crl.public_bytes(Encoding.PEM))


def _extended(
    builder: x509.CertificateBuilder, plan: Plan, key: Key, signer: Key
) -> x509.CertificateBuilder:
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(plan.ca, plan.path_length), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False),
    ]
    if plan.usage:
        extensions.append((x509.ExtendedKeyUsage([plan.usage]), False))
    if plan.usage == SERVER or not plan.ca:
        names: list[x509.GeneralName] = [x509.DNSName(plan.common.replace(" ", "-"))]
        extensions.append((x509.SubjectAlternativeName(names), False))
    if plan.critical:
        extensions.append((x509.UnrecognizedExtension(UNKNOWN, b"\x05\0"), True))
    if plan.must_staple:
        extensions.append((x509.TLSFeature([x509.TLSFeatureType.status_request]), False))
    if plan.permitted:
        permitted = x509.NameConstraints([x509.DNSName(plan.permitted)], None)
        extensions.append((permitted, True))
    if plan.aia:
        where = x509.UniformResourceIdentifier("http://pki.gateway.example/issuing.crt")
        issuers = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, where)
        extensions.append((x509.AuthorityInformationAccess([issuers]), False))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder
