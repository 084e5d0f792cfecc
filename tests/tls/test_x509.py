"""Certificates and chains: facts of made ones, the library's opinion, damage."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from analyzer.errors import DecodeError, DefectKind
from analyzer.tls.x509.chain import (
    ChainFacts,
    chain_facts,
    library_refuses,
    read_certificate,
    signed_by,
    time_text,
)
from analyzer.tls.x509.der import read_time, read_value
from analyzer.tls.x509.dn import name_text, same_name
from tests.tls.certificates import BEGIN, END, Made, chain, day, ec_key, make, name, ns, rsa_key

FULL = make(
    "server.example",
    (
        x509.SubjectAlternativeName(
            [
                x509.DNSName("server.example"),
                x509.DNSName("*.server.example"),
                x509.IPAddress(ipaddress.ip_address("192.0.2.7")),
                x509.IPAddress(ipaddress.ip_address("2001:db8::7")),
                x509.RFC822Name("a@server.example"),
                x509.UniformResourceIdentifier("urn:x"),
            ]
        ),
        False,
    ),
    (
        x509.KeyUsage(True, False, True, False, False, False, False, False, False),
        True,
    ),
    (
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, x509.ObjectIdentifier("1.2.3.4")]),
        False,
    ),
    (
        x509.AuthorityInformationAccess(
            [
                x509.AccessDescription(
                    AuthorityInformationAccessOID.OCSP,
                    x509.UniformResourceIdentifier("http://ocsp.example"),
                ),
                x509.AccessDescription(
                    AuthorityInformationAccessOID.CA_ISSUERS,
                    x509.UniformResourceIdentifier("http://ca.example/i.der"),
                ),
            ]
        ),
        False,
    ),
    (
        x509.CRLDistributionPoints(
            [
                x509.DistributionPoint(
                    [x509.UniformResourceIdentifier("http://crl.example/1")], None, None, None
                )
            ]
        ),
        False,
    ),
    (x509.TLSFeature([x509.TLSFeatureType.status_request]), False),
    (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\0"), True),
    key=rsa_key(),
)


def test_everything_that_a_certificate_says() -> None:
    facts = read_certificate(FULL.der)

    assert facts.defect is None
    assert facts.subject == facts.issuer == "CN=server.example"
    assert (facts.subject_cn, facts.serial, facts.version) == ("server.example", "c0ffee", 3)
    assert facts.san_dns == ("server.example", "*.server.example")
    assert facts.san_ip == ("192.0.2.7", "2001:db8::7")
    assert (facts.san_email, facts.san_uri) == (("a@server.example",), ("urn:x",))
    assert (facts.not_before, facts.not_after) == (ns(BEGIN), ns(END))
    assert (facts.key_kind, facts.key_bits, facts.curve) == ("RSA", 2048, None)
    assert (facts.signature_algorithm, facts.signature_hash) == (
        "sha256WithRSAEncryption",
        "sha256",
    )
    assert facts.key_usage == frozenset({"digitalSignature", "keyEncipherment"})
    assert facts.extended_key_usage == ("serverAuth", "1.2.3.4")
    assert (facts.ca, facts.path_length) == (None, None)
    assert facts.ocsp_urls == ("http://ocsp.example",)
    assert facts.issuer_urls == ("http://ca.example/i.der",)
    assert facts.crl_urls == ("http://crl.example/1",)
    assert facts.must_staple
    assert facts.unknown_critical == ("1.2.3.4.5",)
    assert facts.subject_key_id == facts.authority_key_id is not None
    assert facts.sha256 == FULL.certificate.fingerprint(hashes.SHA256()).hex()
    assert facts.self_issued
    assert facts.self_signed
    assert facts.allows("serverAuth")
    assert not facts.allows("clientAuth")


@pytest.mark.parametrize("made", [FULL, *chain()], ids=["full", "leaf", "intermediate", "root"])
def test_facts_agree_with_the_library(made: Made) -> None:
    facts, theirs = read_certificate(made.der), made.certificate

    assert facts.issuer == theirs.issuer.rfc4514_string()
    assert int(facts.serial, 16) == theirs.serial_number
    assert facts.not_after == ns(theirs.not_valid_after_utc)
    assert library_refuses(made.der) is None


@pytest.mark.parametrize(
    ("key", "kind", "bits", "curve"),
    [
        (ec_key(), "EC", 256, "secp256r1"),
        (ec_key(ec.SECP521R1()), "EC", 521, "secp521r1"),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519", 255, None),
    ],
    ids=["P-256", "P-521", "Ed25519"],
)
def test_kinds_of_keys(
    key: ec.EllipticCurvePrivateKey, kind: str, bits: int, curve: str | None
) -> None:
    facts = read_certificate(make("x", key=key).der)

    assert (facts.key_kind, facts.key_bits, facts.curve) == (kind, bits, curve)
    assert facts.self_signed
    assert not facts.weak_key


def test_validity_includes_its_last_second() -> None:
    facts = read_certificate(FULL.der)

    assert facts.valid_at(ns(BEGIN))
    assert facts.valid_at(ns(END) + 999_999_999)
    assert not facts.valid_at(ns(END) + 1_000_000_000)
    assert not facts.valid_at(ns(BEGIN) - 1)
    assert facts.valid_at(0) is None  # a capture without a clock
    assert time_text(facts.not_after) == "2027-01-01 00:00:00 UTC"


def test_dates_after_2050_are_read() -> None:
    made = make("x", end=datetime(2060, 6, 1, 12, 30, tzinfo=UTC))

    assert time_text(read_certificate(made.der).not_after) == "2060-06-01 12:30:00 UTC"


@pytest.mark.parametrize(
    "attributes",
    [
        [
            (NameOID.COUNTRY_NAME, "DE"),
            (NameOID.ORGANIZATION_NAME, "A, B + C"),
            (NameOID.COMMON_NAME, "x"),
        ],
        [(NameOID.ORGANIZATION_NAME, "#hash"), (NameOID.COMMON_NAME, " led and trailed ")],
        [(NameOID.ORGANIZATION_NAME, 'Größe <&> "q" ; \\'), (NameOID.LOCALITY_NAME, "Ülm")],
        [],
    ],
    ids=["special", "edges", "letters", "empty"],
)
def test_names_are_written_as_the_library_writes_them(
    attributes: list[tuple[x509.ObjectIdentifier, str]],
) -> None:
    theirs = x509.Name([x509.NameAttribute(oid, text) for oid, text in attributes])

    assert name_text(theirs.public_bytes()) == theirs.rfc4514_string()


def test_names_compare_without_case_and_spaces() -> None:
    one, other = name("a  B", "Org").public_bytes(), name("A b", "oRG").public_bytes()

    assert same_name(one, other)
    assert not same_name(one, name("A b", "Other").public_bytes())


def test_signatures() -> None:
    leaf, intermediate, root = chain()

    assert signed_by(leaf.der, intermediate.der) is True
    assert signed_by(leaf.der, root.der) is False
    assert signed_by(leaf.der, make("r", key=rsa_key()).der) is None
    assert signed_by(b"junk", root.der) is None


def judge(*made: Made) -> ChainFacts:
    return chain_facts(tuple(each.der for each in made))


def test_a_good_chain_has_nothing_to_say() -> None:
    leaf, intermediate, root = chain()
    facts = judge(leaf, intermediate)

    assert facts.verdict == ()
    assert facts.path == (0, 1)
    assert facts.anchor == "CN=Root"
    assert judge(leaf, intermediate, root).verdict == ("root_sent",)


def test_a_missing_intermediate() -> None:
    facts = judge(chain()[0])

    assert facts.verdict == ("missing_issuer",)
    assert facts.missing_issuer == "CN=Intermediate"


def test_a_missing_intermediate_with_the_root_sent() -> None:
    leaf, _, root = chain()

    assert judge(leaf, root).verdict == ("missing_issuer", "unused_certificates", "root_sent")


def test_order_and_strangers() -> None:
    leaf, intermediate, root = chain()

    assert "out_of_order" in judge(leaf, root, intermediate).verdict
    assert judge(leaf, make("Stranger", issuer=root), intermediate).unused == (1,)


def test_a_self_signed_leaf() -> None:
    facts = judge(make("x", dns=("x",)))

    assert facts.verdict == ("self_signed",)
    assert facts.missing_issuer is None


def test_an_issuer_of_the_same_name_and_another_key_is_not_the_issuer() -> None:
    leaf, intermediate, root = chain()
    other = make("Intermediate", issuer=root, ca=True, identifiers=False)
    facts = judge(leaf, other)

    assert facts.bad_signatures == (0,)
    assert judge(leaf, other, intermediate).issuers[0] == 2


def test_issuers_that_may_not_issue() -> None:
    root = make("Root", ca=True)
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    not_ca = make("Not a CA", issuer=root)
    not_signing = make("No cert sign", (usage, True), issuer=root, ca=True)

    assert judge(make("x", issuer=not_ca), not_ca).not_ca == (1,)
    assert judge(make("x", issuer=not_signing), not_signing).no_cert_sign == (1,)


def test_path_length() -> None:
    root = make("Root", ca=True)
    above = make("Above", issuer=root, ca=True, path_length=0)
    below = make("Below", issuer=above, ca=True)
    facts = judge(make("x", issuer=below), below, above)

    assert facts.path_length_violated == (2,)
    assert judge(below, above).path_length_violated == ()


@pytest.mark.parametrize(
    ("permitted", "excluded", "host", "violated"),
    [
        (["example"], None, "a.example", False),
        (["example"], None, "a.test", True),
        (["a.example"], None, "aa.example", True),
        (None, ["example"], "a.example", True),
        (None, ["b.example"], "a.example", False),
    ],
)
def test_name_constraints(
    permitted: list[str] | None, excluded: list[str] | None, host: str, violated: bool
) -> None:
    limits = x509.NameConstraints(
        [x509.DNSName(base) for base in permitted] if permitted else None,
        [x509.DNSName(base) for base in excluded] if excluded else None,
    )
    authority = make("Limited", (limits, True), ca=True)
    facts = judge(make("x", issuer=authority, dns=(host,)), authority)

    assert facts.constraints_violated == (((1, host),) if violated else ())


def test_networks_in_name_constraints() -> None:
    limits = x509.NameConstraints([x509.IPAddress(ipaddress.ip_network("192.0.2.0/24"))], None)
    authority = make("Limited", (limits, True), ca=True)
    inside, outside = (
        x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(text))])
        for text in ("192.0.2.9", "198.51.100.1")
    )

    assert read_certificate(authority.der).permitted_names == (("ip", "192.0.2.0/24"),)
    assert judge(make("x", (inside, False), issuer=authority), authority).constraints_violated == ()
    assert judge(make("x", (outside, False), issuer=authority), authority).constraints_violated


def with_sha1(der: bytes) -> bytes:
    """Claim SHA-1 in place of SHA-256: the library signs with it no more."""
    return der.replace(bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105"))


@pytest.mark.parametrize(
    ("base", "address", "violated"),
    [
        ("a@b.example", "a@b.example", False),
        ("a@b.example", "c@b.example", True),
        ("b.example", "a@b.example", False),
        ("b.example", "a@c.b.example", True),
        (".b.example", "a@c.b.example", False),
        (".b.example", "a@b.example", True),
    ],
)
def test_mailboxes_in_name_constraints(base: str, address: str, violated: bool) -> None:
    limits = x509.NameConstraints([x509.RFC822Name(base)], None)
    authority = make("Limited", (limits, True), ca=True)
    names = x509.SubjectAlternativeName([x509.RFC822Name(address)])
    facts = judge(make("x", (names, False), issuer=authority), authority)

    assert facts.constraints_violated == (((1, address),) if violated else ())


def test_directory_names_in_name_constraints() -> None:
    inside = make(
        "Limited", (x509.NameConstraints([x509.DirectoryName(name("x"))], None), True), ca=True
    )
    outside = make(
        "Limited", (x509.NameConstraints([x509.DirectoryName(name("y"))], None), True), ca=True
    )

    assert judge(make("x", issuer=inside), inside).constraints_violated == ()
    assert judge(make("x", issuer=outside), outside).constraints_violated == ((1, "CN=x"),)


@pytest.mark.parametrize("hash_", [hashes.SHA256(), hashes.SHA384()], ids=["SHA-256", "SHA-384"])
def test_the_hash_of_pss_is_in_its_parameters(hash_: hashes.HashAlgorithm) -> None:
    key = rsa_key()
    built = (
        x509.CertificateBuilder()
        .subject_name(name("x"))
        .issuer_name(name("x"))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(BEGIN)
        .not_valid_after(END)
        .sign(
            key,
            hash_,  # type: ignore[arg-type]
            rsa_padding=padding.PSS(padding.MGF1(hash_), padding.PSS.DIGEST_LENGTH),
        )
    )
    facts = read_certificate(built.public_bytes(serialization.Encoding.DER))

    assert (facts.signature_algorithm, facts.signature_hash) == ("RSASSA-PSS", hash_.name)
    assert facts.self_signed


@pytest.mark.parametrize(
    ("tag", "text", "expected"),
    [
        (0x17, b"491231235959Z", "2049-12-31 23:59:59 UTC"),
        (0x17, b"500101000000Z", "1950-01-01 00:00:00 UTC"),
        (0x18, b"20240229120000Z", "2024-02-29 12:00:00 UTC"),
        (0x17, b"260102030405+0100", None),
        (0x18, b"20230229120000Z", None),
        (0x18, b"20231301120000Z", None),
        (0x18, b"20230101240000Z", None),
        (0x18, b"20230101006000Z", None),
        (0x18, b"20230100000000Z", None),
        (0x04, b"20230101000000Z", None),
    ],
)
def test_times(tag: int, text: bytes, expected: str | None) -> None:
    value = read_value(bytes([tag, len(text)]) + text)
    if expected is None:
        with pytest.raises(DecodeError):
            read_time(value)
    else:
        assert time_text(read_time(value)) == expected


def test_weakness() -> None:
    root = make("Root", ca=True, key=rsa_key())
    weak = make("x", issuer=root, key=rsa_key(1024))
    facts = chain_facts((with_sha1(weak.der), with_sha1(root.der)))

    assert (facts.weak_keys, facts.weak_signatures) == ((0,), (0,))
    assert judge(make("x", issuer=root), root).weak_signatures == ()


def test_an_empty_chain() -> None:
    assert chain_facts(()).verdict == ("empty",)


def test_a_certificate_cut_anywhere_keeps_what_came_before() -> None:
    whole = read_certificate(FULL.der)
    for kept in range(0, len(FULL.der), 7):
        facts = read_certificate(FULL.der[:kept])
        assert facts.defect is not None
        assert facts.defect.offset <= kept
        assert facts.subject in {"", whole.subject}


def test_bytes_after_a_certificate_are_a_defect() -> None:
    facts = read_certificate(FULL.der + b"\0")

    assert facts.defect is not None
    assert facts.defect.kind is DefectKind.TRAILING
    assert facts.subject == "CN=server.example"


@given(st.binary(max_size=64))
def test_any_bytes_give_facts_with_a_defect(data: bytes) -> None:
    facts = read_certificate(data)

    assert facts.der == data
    assert facts.defect is not None
    assert library_refuses(data) is not None


@given(st.data())
def test_any_overwritten_byte_is_survived(data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from([FULL.der, chain()[1].der]))
    at = data.draw(st.integers(0, len(sample) - 1))
    broken = sample[:at] + bytes([data.draw(st.integers(0, 255))]) + sample[at + 1 :]

    facts = chain_facts((broken, chain()[2].der))
    assert facts.count == 2
    assert read_certificate(broken).valid_at(ns(BEGIN + day(1))) in {True, False, None}
    library_refuses(broken)


def test_a_tls_feature_that_the_library_does_not_know_is_a_reason_to_refuse() -> None:
    feature = b"\x30\x03\x02\x01"  # SEQUENCE { INTEGER … }; RFC 7633 knows 5
    broken = FULL.der.replace(feature + b"\x05", feature + b"\x00")

    assert broken != FULL.der
    assert "unknown number 0" in (library_refuses(broken) or "")
