"""Chains with one fault each, what OpenSSL says of them, and what we say.

``openssl`` is what ``openssl verify`` prints first: error number and depth. Where we differ,
``ours`` says how and ``reason`` why; docs/certificates.md has the same table. The test with a peer
holds the first, the everyday test the second.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    NameOID,
    ObjectIdentifier,
)

from analyzer.tls.x509.der import context, read_value
from tests.tls.certificates import BEGIN, END, Made, ec_key, make, name, rsa_key

AT = datetime(2026, 6, 1, tzinfo=UTC)
HOST = "server.example"
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
ANY, CODE = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, ExtendedKeyUsageOID.CODE_SIGNING
Extension = tuple[x509.ExtensionType, bool]


@dataclass(frozen=True)
class Case:
    """A chain, how it is verified, and what comes of it: (error number, depth)."""

    id: str
    sent: tuple[Made, ...]
    trusted: tuple[Made, ...]
    openssl: tuple[int, int] = (0, 0)
    at: datetime = AT
    purpose: str | None = None
    host: str | None = None
    level: int = 2
    partial: bool = False
    crls: tuple[bytes, ...] = ()
    crl_check: str = "at-hand"
    ours: tuple[int, int] | None = None
    reason: str = ""

    @property
    def expected(self) -> tuple[int, int]:
        return self.openssl if self.ours is None else self.ours


def usage(*allowed: str) -> Extension:
    names = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{each: each in allowed for each in names}), True


def purposes(*oids: ObjectIdentifier) -> Extension:
    return x509.ExtendedKeyUsage(oids), False


def names(*general: x509.GeneralName) -> Extension:
    return x509.SubjectAlternativeName(general), False


def constraints(
    permitted: tuple[x509.GeneralName, ...] = (), excluded: tuple[x509.GeneralName, ...] = ()
) -> Extension:
    return x509.NameConstraints(permitted or None, excluded or None), True


SIGNER = usage("key_cert_sign", "crl_sign")
DAY = timedelta(days=1)


def crl(
    issuer: Made,
    *revoked: Made,
    begin: datetime = BEGIN,
    end: datetime = END,
    on: datetime = BEGIN,
    key: Made | None = None,
    extension: Extension | None = None,
    reason: x509.ReasonFlags | None = None,
) -> bytes:
    """A revocation list, DER."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(begin)
        .next_update(end)
    )
    for each in revoked:
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(each.certificate.serial_number)
            .revocation_date(on)
        )
        if reason is not None:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    if extension is not None:
        builder = builder.add_extension(extension[0], critical=extension[1])
    signed = builder.sign((key or issuer).key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.DER)


def damaged(made: Made) -> Made:
    """The same certificate with another signature of the right form."""
    der = made.der
    other = bytearray(der)
    other[-1] ^= 1
    return Made(x509.load_der_x509_certificate(bytes(other)), made.key)


def with_sha1(made: Made, signer: rsa.RSAPrivateKey) -> Made:
    """Sign again with what the library signs with no more: another OID, another signature."""
    was, now = (bytes.fromhex(f"2a864886f70d0101{end}") for end in ("0b", "05"))
    old = made.certificate
    body = old.tbs_certificate_bytes.replace(was, now)
    signature = signer.sign(body, padding.PKCS1v15(), hashes.SHA1())
    der = made.der.replace(old.tbs_certificate_bytes, body).replace(was, now)
    return Made(x509.load_der_x509_certificate(der.replace(old.signature, signature)), made.key)


def with_version_1(made: Made, signer: Made) -> Made:
    """The same without version and extensions, as before 1996; signed anew."""
    assert isinstance(signer.key, ec.EllipticCurvePrivateKey)
    parts = read_value(made.certificate.tbs_certificate_bytes).children()
    kept = [part.whole for part in parts if part.tag not in {context(0), context(3)}]
    body = _sequence(*kept)
    signature = b"\0" + signer.key.sign(body, ec.ECDSA(hashes.SHA256()))
    algorithm = kept[1]
    der = _sequence(body, algorithm, b"\x03" + _length(signature) + signature)
    return Made(x509.load_der_x509_certificate(der), made.key)


def _sequence(*parts: bytes) -> bytes:
    joined = b"".join(parts)
    return b"\x30" + _length(joined) + joined


def _length(content: bytes) -> bytes:
    return b"\x82" + len(content).to_bytes(2) if len(content) > 255 else _short(len(content))


def _short(length: int) -> bytes:
    return bytes([length]) if length < 128 else bytes([0x81, length])


@functools.cache
def cases() -> tuple[Case, ...]:
    root = make("Root", SIGNER, ca=True, serial=1)
    sub = make("Sub", SIGNER, issuer=root, ca=True, serial=2)
    leaf = make("leaf", purposes(SERVER), issuer=sub, dns=(HOST,), serial=3)
    return (
        *_trust(root, sub, leaf),
        *_dates(root, sub),
        *_authorities(root, sub),
        *_purposes(root, sub, leaf),
        *_identities(root, sub, leaf),
        *_strengths(root, sub),
        *_constraints(root),
        *_revocations(root, sub, leaf),
    )


def _trust(root: Made, sub: Made, leaf: Made) -> tuple[Case, ...]:
    other = make("Other Root", SIGNER, ca=True)
    namesake = make("Root", SIGNER, ca=True)
    namesake_bare = make("Root", SIGNER, ca=True, identifiers=False)
    sub_bare = make("Sub", SIGNER, issuer=root, ca=True, identifiers=False)
    leaf_bare = make("leaf", issuer=sub_bare, dns=(HOST,), identifiers=False)
    twin = make("Sub", SIGNER, issuer=root, ca=True)  # the same name, another key
    cross = make("Root", SIGNER, issuer=other, key=root.key, ca=True)
    selfish = make("selfish", dns=(HOST,))
    selfish_ca = make("selfish", ca=True, dns=(HOST,))
    pointing = make(
        "leaf",
        (
            x509.AuthorityInformationAccess(
                [
                    x509.AccessDescription(
                        AuthorityInformationAccessOID.CA_ISSUERS,
                        x509.UniformResourceIdentifier("http://ca.example/sub.cer"),
                    )
                ]
            ),
            False,
        ),
        issuer=sub,
        dns=(HOST,),
    )
    loose_key = ec_key()
    key_id = x509.SubjectKeyIdentifier.from_public_key(loose_key.public_key()), False
    loose = make("Root", SIGNER, key_id, ca=True, key=loose_key, identifiers=False)
    below_loose = make("leaf", issuer=loose, dns=(HOST,))
    strict = make(
        "leaf",
        (
            x509.AuthorityKeyIdentifier(None, [x509.DirectoryName(root.certificate.subject)], 99),
            False,
        ),
        issuer=sub,
        dns=(HOST,),
        identifiers=False,
    )
    cased = make("leaf", issuer=sub, dns=(HOST,), issuer_name=name("SUB"))
    ed_root = make("Ed Root", SIGNER, ca=True, key=ed25519.Ed25519PrivateKey.generate())
    ed_leaf = make("leaf", issuer=ed_root, dns=(HOST,))
    p384_root = make("P-384 Root", SIGNER, ca=True, key=ec_key(ec.SECP384R1()))
    p384_leaf = make("leaf", issuer=p384_root, dns=(HOST,), algorithm=hashes.SHA384())
    rsa_root = make("RSA Root", SIGNER, ca=True, key=rsa_key())
    rsa_leaf = make("leaf", issuer=rsa_root, dns=(HOST,))
    wrong_kind = make("Root", SIGNER, ca=True, key=rsa_key(), identifiers=False)
    ladder = [root]
    for step in range(101):
        ladder.append(make(f"Step {step}", SIGNER, issuer=ladder[-1], ca=True))
    climber, lower = (make("leaf", issuer=each, dns=(HOST,)) for each in ladder[-1:-3:-1])
    below_bare = make("leaf", issuer=namesake_bare, dns=(HOST,), identifiers=False)
    return (
        Case("good", (leaf, sub), (root,)),
        Case("good, root sent as well", (leaf, sub, root), (root,)),
        Case("good, out of order", (leaf, root, sub), (root,)),
        Case("good, with a stranger", (leaf, other, sub), (root,)),
        Case("good, leaf sent twice", (leaf, leaf, sub), (root,)),
        Case("good, intermediate trusted too", (leaf,), (root, sub)),
        Case("good, issuer's name in other case", (cased, sub), (root,)),
        Case("good, Ed25519 root", (ed_leaf,), (ed_root,)),
        Case("good, P-384 root", (p384_leaf,), (p384_root,)),
        Case("good, RSA root", (rsa_leaf,), (rsa_root,)),
        Case("good, no key identifiers", (leaf_bare, sub_bare), (root,)),
        Case("good, self-signed and trusted", (selfish,), (selfish,)),
        Case("good, self-signed CA and trusted", (selfish_ca,), (selfish_ca,)),
        Case("good, by cross-signature", (leaf, sub, cross), (other,)),
        Case("good, cross-signature not needed", (leaf, sub, cross), (root,)),
        Case("good, twin of the intermediate first", (leaf, twin, sub), (root,)),
        Case("good, partial chain", (leaf,), (sub,), partial=True),
        Case("good, partial chain to the leaf", (leaf,), (leaf,), partial=True),
        Case("missing intermediate", (leaf,), (root,), (20, 0)),
        Case("missing intermediate, named by AIA", (pointing,), (root,), (20, 0)),
        Case("unknown root, not sent", (leaf, sub), (other,), (20, 1)),
        Case("unknown root, sent", (leaf, sub, root), (other,), (19, 2)),
        Case("nothing trusted", (leaf, sub, root), (), (19, 2)),
        Case("self-signed, not trusted", (selfish,), (root,), (18, 0)),
        Case("sent root without identifier mimics one", (below_loose, loose), (namesake,), (19, 1)),
        Case("intermediate trusted, its root sent", (leaf, root), (sub,), (2, 1)),
        Case("root before its cross-signature", (leaf, sub, root, cross), (other,), (19, 2)),
        Case("cross-signature before its root", (leaf, sub, cross, root), (other,)),
        Case("root of the same name, other key", (leaf, sub), (namesake,), (20, 1)),
        Case("sent root mimics a trusted one", (leaf, sub, root), (namesake,), (19, 2)),
        Case(
            "root of the same name without identifiers",
            (leaf_bare, sub_bare),
            (namesake_bare,),
            (7, 1),
        ),
        Case("root of the same name, other kind of key", (below_bare,), (wrong_kind,), (20, 0)),
        Case("intermediate trusted without its root", (leaf,), (sub,), (2, 1)),
        Case("leaf trusted, not its root", (leaf,), (leaf,), (20, 0)),
        Case("cross-signature without its root", (leaf, sub, cross), (namesake,), (20, 2)),
        Case(
            "serial number of the issuer's certificate differs",
            (strict, sub),
            (root,),
            (20, 0),
            ours=(0, 0),
            reason="issuer and serial number in the authority key identifier are a hint (RFC 4158 "
            "section 3.5.12): most stacks pass over them, since a renewed authority has others",
        ),
        Case("a hundred intermediates", (lower, *ladder[1:-1]), (root,)),
        Case("too long", (climber, *ladder[1:]), (root,), (22, 101)),
        Case("damaged signature of the leaf", (damaged(leaf), sub), (root,), (7, 0)),
        Case("damaged signature of the intermediate", (leaf, damaged(sub)), (root,), (7, 1)),
        Case("damaged signature of the root", (leaf, sub), (damaged(root),)),
    )


def _dates(root: Made, sub: Made) -> tuple[Case, ...]:
    old_root = make("Old Root", SIGNER, ca=True, end=AT - DAY)
    new_root = make("New Root", SIGNER, ca=True, begin=AT + DAY)
    old_sub = make("Old Sub", SIGNER, issuer=root, ca=True, end=AT - DAY)
    renewed = make("Old Sub", SIGNER, issuer=root, ca=True, key=old_sub.key)
    expired = make("leaf", issuer=sub, dns=(HOST,), end=AT - DAY)
    future = make("leaf", issuer=sub, dns=(HOST,), begin=AT + DAY)
    below_old_sub = make("leaf", issuer=old_sub, dns=(HOST,))
    both = make("leaf", issuer=old_sub, dns=(HOST,), end=AT - DAY)
    edge = make("leaf", issuer=sub, dns=(HOST,), begin=AT, end=AT + DAY)
    below_old, below_new = (make("leaf", issuer=r, dns=(HOST,)) for r in (old_root, new_root))
    return (
        Case("expired leaf", (expired, sub), (root,), (10, 0)),
        Case("future leaf", (future, sub), (root,), (9, 0)),
        Case("expired intermediate", (below_old_sub, old_sub), (root,), (10, 1)),
        Case("expired intermediate and leaf", (both, old_sub), (root,), (10, 1)),
        Case("expired intermediate, renewed sent", (below_old_sub, old_sub, renewed), (root,)),
        Case("expired root", (below_old,), (old_root,), (10, 1)),
        Case("future root", (below_new,), (new_root,), (9, 1)),
        Case("expired leaf as of before", (expired, sub), (root,), at=AT - 2 * DAY),
        Case("first second", (edge, sub), (root,)),
        Case("second before the first", (edge, sub), (root,), (9, 0), at=AT - timedelta(0, 1)),
        Case("second before the last", (edge, sub), (root,), at=AT + DAY - timedelta(0, 1)),
        Case(
            "last second",
            (edge, sub),
            (root,),
            (10, 0),
            at=AT + DAY,
            ours=(0, 0),
            reason="RFC 5280 section 4.1.2.5: the validity includes notAfter",
        ),
        Case("second after the last", (edge, sub), (root,), (10, 0), at=AT + DAY + timedelta(0, 1)),
        Case("expired and unknown root", (expired, sub), (), (20, 1)),
    )


def _authorities(root: Made, sub: Made) -> tuple[Case, ...]:
    no_ca = make("Department", issuer=root)
    ca_false = make("Department", (x509.BasicConstraints(False, None), True), SIGNER, issuer=root)
    no_sign = make("Department", usage("digital_signature", "crl_sign"), issuer=root, ca=True)
    only_usage = make("Department", SIGNER, issuer=root)
    root_no_sign = make("Mute Root", usage("crl_sign"), ca=True)
    old_style = make("Old Style Root", SIGNER, identifiers=False)
    bare = make("First Root", identifiers=False)
    first_version = with_version_1(bare, bare)
    first_sub = with_version_1(make("First Sub", issuer=root, identifiers=False), root)
    no_constraints = make("Bare Root", identifiers=False)
    narrow = make("Narrow", SIGNER, issuer=root, ca=True, path_length=0)
    under_narrow = make("Under", SIGNER, issuer=narrow, ca=True)
    same = make("Narrow", SIGNER, issuer=narrow, ca=True, key=ec_key())
    flat_root = make("Flat Root", SIGNER, ca=True, path_length=0)
    under_flat = make("Sub", SIGNER, issuer=flat_root, ca=True)
    unknown = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    strange = make("leaf", (unknown, True), issuer=sub, dns=(HOST,))
    strange_ca = make("Strange", SIGNER, (unknown, True), issuer=root, ca=True)
    mild = make("leaf", (unknown, False), issuer=sub, dns=(HOST,))
    feature = make(
        "leaf",
        (x509.TLSFeature([x509.TLSFeatureType.status_request]), True),
        issuer=sub,
        dns=(HOST,),
    )

    def below(issuer: Made) -> Made:
        return make("leaf", issuer=issuer, dns=(HOST,))

    return (
        Case("issuer without basic constraints", (below(no_ca), no_ca), (root,), (79, 1)),
        Case("issuer with CA false", (below(ca_false), ca_false), (root,), (79, 1)),
        Case("issuer may not sign", (below(no_sign), no_sign), (root,), (79, 1)),
        Case("issuer with key usage alone", (below(only_usage), only_usage), (root,), (79, 1)),
        Case("root may not sign", (below(root_no_sign),), (root_no_sign,), (79, 1)),
        Case("root with key usage alone", (below(old_style),), (old_style,)),
        Case(
            "root without basic constraints", (below(no_constraints),), (no_constraints,), (79, 1)
        ),
        Case("root of version 1", (below(first_version),), (first_version,)),
        Case("intermediate of version 1", (below(first_sub), first_sub), (root,), (79, 1)),
        Case("CA as leaf", (sub,), (root,)),
        Case("path length kept", (below(narrow), narrow), (root,)),
        Case("path length exceeded", (below(under_narrow), under_narrow, narrow), (root,), (25, 2)),
        Case("path length, self-issued below", (below(same), same, narrow), (root,)),
        Case("path length of the root", (below(under_flat), under_flat), (flat_root,), (25, 2)),
        Case("unknown critical extension", (strange, sub), (root,), (34, 0)),
        Case(
            "unknown critical extension above",
            (below(strange_ca), strange_ca),
            (root,),
            (34, 1),
        ),
        Case("unknown extension", (mild, sub), (root,)),
        Case(
            "critical TLS feature",
            (feature, sub),
            (root,),
            (34, 0),
            ours=(0, 0),
            reason="stacks that know must-staple (RFC 7633) process it: it is not called unknown",
        ),
    )


def _purposes(root: Made, sub: Made, leaf: Made) -> tuple[Case, ...]:
    def with_(*extensions: Extension, issuer: Made = sub) -> Made:
        return make("leaf", *extensions, issuer=issuer, dns=(HOST,))

    client = with_(purposes(CLIENT))
    both = with_(purposes(SERVER, CLIENT))
    anything = with_(purposes(ANY))
    code = with_(purposes(CODE))
    none = with_()
    signs, encrypts = with_(usage("digital_signature")), with_(usage("key_encipherment"))
    mute = with_(usage("content_commitment"))
    client_sub = make("Client Sub", SIGNER, purposes(CLIENT), issuer=root, ca=True)
    server_sub = make("Server Sub", SIGNER, purposes(SERVER), issuer=root, ca=True)
    mail_root = make("Mail Root", SIGNER, purposes(ExtendedKeyUsageOID.EMAIL_PROTECTION), ca=True)
    self_signed = make("selfish", usage("key_cert_sign"), dns=(HOST,))

    def server(id_: str, sent: tuple[Made, ...], answer: tuple[int, int] = (0, 0)) -> Case:
        return Case(f"server: {id_}", sent, (root,), answer, purpose="sslserver")

    def user(id_: str, sent: tuple[Made, ...], answer: tuple[int, int] = (0, 0)) -> Case:
        return Case(f"client: {id_}", sent, (root,), answer, purpose="sslclient")

    return (
        server("its purpose", (leaf, sub)),
        server("a client's certificate", (client, sub), (26, 0)),
        server("both purposes", (both, sub)),
        server("any purpose", (anything, sub), (26, 0)),
        server("code signing", (code, sub), (26, 0)),
        server("no purpose said", (none, sub)),
        server("key that signs", (signs, sub)),
        server("key that encrypts", (encrypts, sub)),
        server("key for neither", (mute, sub), (26, 0)),
        server("below an authority for clients", (with_(issuer=client_sub), client_sub), (26, 1)),
        server("below an authority for servers", (with_(issuer=server_sub), server_sub)),
        Case(
            "server: below a root for mail",
            (with_(issuer=mail_root),),
            (mail_root,),
            (26, 1),
            purpose="sslserver",
        ),
        Case(
            "server: self-signed with an authority's key usage",
            (self_signed,),
            (self_signed,),
            (26, 0),
            purpose="sslserver",
        ),
        user("its purpose", (client, sub)),
        user("a server's certificate", (leaf, sub), (26, 0)),
        user("both purposes", (both, sub)),
        user("key that encrypts", (encrypts, sub), (26, 0)),
        user("key that signs", (signs, sub)),
        user("below an authority for servers", (with_(issuer=server_sub), server_sub), (26, 1)),
        Case("any purpose, none asked", (anything, sub), (root,)),
    )


def _identities(root: Made, sub: Made, leaf: Made) -> tuple[Case, ...]:
    def named(*general: x509.GeneralName, common: str = "leaf") -> tuple[Made, Made]:
        extensions = (names(*general),) if general else ()
        return make(common, *extensions, issuer=sub), sub

    wild = named(x509.DNSName("*.server.example"))
    partly = named(x509.DNSName("a*.server.example"))
    dotted = named(x509.DNSName(f"{HOST}."))
    address = named(x509.IPAddress(ip_address("192.0.2.7")))
    six = named(x509.IPAddress(ip_address("2001:db8::7")))
    common = named(common=HOST)
    other = named(x509.DNSName("other.example"), common=HOST)
    mail = named(x509.RFC822Name("a@server.example"), common=HOST)
    address_as_name = named(common="192.0.2.7")

    def case(
        id_: str,
        sent: tuple[Made, ...],
        host: str,
        answer: tuple[int, int] = (0, 0),
        ours: tuple[int, int] | None = None,
        reason: str = "",
    ) -> Case:
        return Case(f"name: {id_}", sent, (root,), answer, host=host, ours=ours, reason=reason)

    good = (leaf, sub)
    return (
        case("equal", good, HOST),
        case("other case", good, "SERVER.example"),
        case("another", good, "another.example", (62, 0)),
        case("below", good, "a.server.example", (62, 0)),
        case("final dot", dotted, HOST, (62, 0)),
        case("wildcard", wild, "a.server.example"),
        case("wildcard, two labels", wild, "a.b.server.example", (62, 0)),
        case("wildcard, no label", wild, HOST, (62, 0)),
        case(
            "wildcard for a part of a label",
            partly,
            "ab.server.example",
            ours=(62, 0),
            reason="RFC 9525 section 6.3 takes a wildcard for a whole label only, as browsers do",
        ),
        case("common name alone", common, HOST),
        case("common name beside another name", other, HOST, (62, 0)),
        case("common name beside a mail address", mail, HOST),
        case("address", address, "192.0.2.7"),
        case("another address", address, "192.0.2.8", (64, 0)),
        case("IPv6 address", six, "2001:db8:0::7"),
        case("address as common name", address_as_name, "192.0.2.7", (64, 0)),
        case("address of a named one", good, "192.0.2.7", (64, 0)),
    )


def _strengths(root: Made, sub: Made) -> tuple[Case, ...]:
    short = make("leaf", issuer=sub, dns=(HOST,), key=rsa_key(1024))
    short_sub = make("Short Sub", SIGNER, issuer=root, ca=True, key=rsa_key(1024))
    below_short = make("leaf", issuer=short_sub, dns=(HOST,))
    short_root = make("Short Root", SIGNER, ca=True, key=rsa_key(1024))
    below_root = make("leaf", issuer=short_root, dns=(HOST,))
    small = make("leaf", issuer=sub, dns=(HOST,), key=ec_key(ec.SECP192R1()))
    rsa_sub = make("RSA Sub", SIGNER, issuer=root, ca=True, key=rsa_key())
    sha1 = with_sha1(make("leaf", issuer=rsa_sub, dns=(HOST,)), rsa_key())
    sha1_root = with_sha1(make("SHA-1 Root", SIGNER, ca=True, key=rsa_key()), rsa_key())
    below_sha1 = make("leaf", issuer=sha1_root, dns=(HOST,))
    p256 = make("leaf", issuer=sub, dns=(HOST,))
    return (
        Case("short RSA key", (short, sub), (root,), (66, 0)),
        Case("short RSA key, level 1", (short, sub), (root,), level=1),
        Case("short RSA key, level 0", (short, sub), (root,), level=0),
        Case("short RSA key of an intermediate", (below_short, short_sub), (root,), (67, 1)),
        Case("short RSA key of a root", (below_root,), (short_root,), (67, 1)),
        Case("small curve", (small, sub), (root,), (66, 0)),
        Case("P-256, level 3", (p256, sub), (root,), level=3),
        Case("P-256, level 4", (p256, sub), (root,), (66, 0), level=4),
        Case(
            "RSA 2048, level 3",
            (make("l", issuer=sub, key=rsa_key()), sub),
            (root,),
            (66, 0),
            level=3,
        ),
        Case("SHA-1", (sha1, rsa_sub), (root,), (68, 0)),
        Case("SHA-1, level 0", (sha1, rsa_sub), (root,), level=0),
        Case("SHA-1 on the root", (below_sha1,), (sha1_root,)),
        Case("short key and unknown root", (short, sub), (), (66, 0)),
    )


def _constraints(root: Made) -> tuple[Case, ...]:
    def under(
        id_: str, extension: Extension, leaf_names: Extension | None, answer: tuple[int, int]
    ) -> Case:
        authority = make("Narrow", SIGNER, extension, issuer=root, ca=True)
        leaf = make("leaf", *([leaf_names] if leaf_names else []), issuer=authority)
        return Case(f"constraints: {id_}", (leaf, authority), (root,), answer)

    inner = constraints((x509.DNSName("inner.example"),))
    no_inner = constraints((), (x509.DNSName("inner.example"),))
    dotted = constraints((x509.DNSName(".inner.example"),))
    network = constraints((x509.IPAddress(ip_network("192.0.2.0/24")),))
    host, below = names(x509.DNSName("inner.example")), names(x509.DNSName("a.inner.example"))
    outer = names(x509.DNSName("outer.example"))
    look_alike = names(x509.DNSName("notinner.example"))
    in_network = names(x509.IPAddress(ip_address("192.0.2.7")))
    out_of_network = names(x509.IPAddress(ip_address("198.51.100.7")))
    organization = x509.DirectoryName(
        x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example")])
    )
    only = make("Only", SIGNER, constraints((organization,)), issuer=root, ca=True)
    renewed = make("Only", SIGNER, issuer=only, ca=True)
    nameless = make(None, host, issuer=renewed)
    narrow_root = make("Narrow Root", SIGNER, inner, ca=True)
    below_root = make("leaf", outer, issuer=narrow_root)
    mail = constraints((x509.RFC822Name("inner.example"),))
    uris = constraints((x509.UniformResourceIdentifier(".inner.example"),))
    authority = make("Narrow", SIGNER, inner, issuer=root, ca=True)
    under_narrow = make("Under", SIGNER, issuer=authority, ca=True)
    far = make("leaf", outer, issuer=under_narrow)
    bare_uris = constraints((x509.UniformResourceIdentifier("inner.example"),))
    alike_uri = names(x509.UniformResourceIdentifier("https://notinner.example/"))
    beside = make("outer.example", in_network, issuer=authority)
    alone = make("outer.example", issuer=authority)
    both = make("outer.example", host, issuer=authority)
    return (
        under("permitted", inner, below, (0, 0)),
        under("permitted itself", inner, host, (0, 0)),
        under("not permitted", inner, outer, (47, 0)),
        under("a name that looks alike", inner, look_alike, (47, 0)),
        under("excluded", no_inner, below, (48, 0)),
        under("not excluded", no_inner, outer, (0, 0)),
        under("with a dot, below", dotted, below, (0, 0)),
        under("with a dot, itself", dotted, host, (47, 0)),
        under("address permitted", network, in_network, (0, 0)),
        under("address not permitted", network, out_of_network, (47, 0)),
        under("no name to constrain", inner, None, (0, 0)),
        under("another kind of name", inner, in_network, (0, 0)),
        under("directory name not permitted", constraints((organization,)), host, (47, 0)),
        under("mail not permitted", mail, names(x509.RFC822Name("a@outer.example")), (47, 0)),
        under("mail permitted", mail, names(x509.RFC822Name("a@inner.example")), (0, 0)),
        under(
            "URI permitted",
            uris,
            names(x509.UniformResourceIdentifier("https://a.inner.example/x")),
            (0, 0),
        ),
        under(
            "URI not permitted",
            uris,
            names(x509.UniformResourceIdentifier("https://outer.example/x")),
            (47, 0),
        ),
        under(
            "URI itself, with a dot",
            uris,
            names(x509.UniformResourceIdentifier("https://inner.example/x")),
            (47, 0),
        ),
        Case("constraints: common name beside an address", (beside, authority), (root,), (47, 0)),
        Case("constraints: common name alone", (alone, authority), (root,), (47, 0)),
        Case("constraints: common name beside a host", (both, authority), (root,)),
        Case(
            "constraints: of the authority's authority",
            (far, under_narrow, authority),
            (root,),
            (47, 0),
        ),
        under("URI that looks alike", bare_uris, alike_uri, (47, 0)),
        Case("constraints: self-issued authority", (nameless, renewed, only), (root,)),
        Case("constraints: of the root", (below_root,), (narrow_root,), (47, 0)),
    )


def _revocations(root: Made, sub: Made, leaf: Made) -> tuple[Case, ...]:
    twin = make("Sub", SIGNER, issuer=root, ca=True)
    no_crl = make("No CRL", usage("key_cert_sign"), issuer=root, ca=True)
    below = make("leaf", issuer=no_crl, dns=(HOST,), serial=4)
    good, bad = crl(sub), crl(sub, leaf)
    roots, roots_bad = crl(root), crl(root, sub)
    unknown = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")

    def scope(
        *, users: bool = False, authorities: bool = False, url: str | None = None
    ) -> Extension:
        full = [x509.UniformResourceIdentifier(url)] if url else None
        return x509.IssuingDistributionPoint(
            full, None, users, authorities, None, False, False
        ), True

    def case(
        id_: str,
        crls: tuple[bytes, ...],
        answer: tuple[int, int] = (0, 0),
        check: str = "leaf",
        sent: tuple[Made, ...] = (leaf, sub),
        ours: tuple[int, int] | None = None,
        reason: str = "",
        at: datetime = AT,
    ) -> Case:
        return Case(
            f"crl: {id_}",
            sent,
            (root,),
            answer,
            crls=crls,
            crl_check=check,
            ours=ours,
            reason=reason,
            at=at,
        )

    return (
        case("good", (good,)),
        case("revoked", (bad,), (23, 0)),
        case("none", (), (3, 0)),
        case("of another authority", (roots,), (3, 0)),
        case("of a namesake", (crl(twin, leaf, extension=_key_id(twin)),), (3, 0)),
        case("expired", (crl(sub, end=AT - DAY),), (12, 0)),
        case("not yet valid", (crl(sub, begin=AT + DAY),), (11, 0)),
        case("expired, and a newer one", (crl(sub, end=AT - DAY), good)),
        case("signed by another", (crl(sub, key=twin),), (8, 0)),
        case("issuer may not sign lists", (crl(no_crl),), (35, 0), sent=(below, no_crl)),
        case("for authorities only", (crl(sub, extension=scope(authorities=True)),), (44, 0)),
        case("for users only", (crl(sub, extension=scope(users=True)),)),
        case(
            "for another distribution point",
            (crl(sub, extension=scope(url="http://crl.example/1")),),
            (44, 0),
        ),
        case("unknown critical extension", (crl(sub, extension=(unknown, True)),), (36, 0)),
        case(
            "removed from the list",
            (crl(sub, leaf, reason=x509.ReasonFlags.remove_from_crl),),
        ),
        case("on hold", (crl(sub, leaf, reason=x509.ReasonFlags.certificate_hold),), (23, 0)),
        case("all good", (good, roots), check="all"),
        case("all, intermediate revoked", (good, roots_bad), (23, 1), check="all"),
        case("all, none of the root's", (good,), (3, 1), check="all"),
        case("leaf only, intermediate revoked", (good, roots_bad)),
        case(
            "revoked at a later day",
            (crl(sub, leaf, on=AT + DAY),),
            (23, 0),
            ours=(0, 0),
            reason="as of a time before the day of revocation the certificate was not revoked",
        ),
    )


def _key_id(made: Made) -> Extension:
    public = made.key.public_key()
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(public), False
