"""What the matrix does not hold: staples, lists at hand, damage, and laws over all chains."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.pki.advice import causes, remarks, remedy
from analyzer.pki.codes import Code
from analyzer.pki.path import End, Trust, build_path, looks_intermediate
from analyzer.pki.revocation import CrlCheck
from analyzer.pki.verify import Problem, Settings, Verdict, verify_chain
from analyzer.tls.x509.chain import read_certificate
from analyzer.tls.x509.ocsp import Staple
from tests.pki.matrix import AT, DAY, HOST, SIGNER, Case, cases, crl
from tests.pki.test_matrix import openssl, verdict
from tests.tls.certificates import Made, chain, make, ns

LEAF, SUB, ROOT = chain()
NOW = ns(AT)
ROOTS = Trust([ROOT.der])
LIST = crl(SUB, LEAF)


def verify(*sent: bytes, **chosen: object) -> Verdict:
    return verify_chain(sent, ROOTS, time=NOW, settings=Settings(**chosen))  # type: ignore[arg-type]


def codes(found: Verdict) -> list[Code]:
    return [problem.code for problem in found.problems]


def staple(status: str, **fields: object) -> Staple:
    good = Staple(
        "successful",
        status,
        this_update=ns(AT - DAY),
        next_update=ns(AT + DAY),
        serial=read_certificate(LEAF.der).serial,
    )
    return replace(good, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(staple("good"), Code.OK, id="good"),
        pytest.param(staple("revoked"), Code.CERT_REVOKED, id="revoked"),
        pytest.param(staple("unknown"), Code.OCSP_CERT_UNKNOWN, id="unknown"),
        pytest.param(staple("revoked", revoked_at=NOW), Code.CERT_REVOKED, id="revoked just now"),
        pytest.param(staple("revoked", revoked_at=NOW + 1), Code.OK, id="revoked later"),
        pytest.param(staple("revoked", next_update=NOW - 1), Code.OK, id="no longer current"),
        pytest.param(staple("revoked", serial="99"), Code.OK, id="of another"),
        pytest.param(Staple("try_later"), Code.OK, id="no answer"),
    ],
)
def test_the_staple_speaks_of_the_leaf_while_it_is_current(answer: Staple, code: Code) -> None:
    assert verify(LEAF.der, SUB.der, staple=answer).code is code


@pytest.mark.parametrize("check", list(CrlCheck))
def test_an_old_list_is_an_error_only_where_lists_are_demanded(check: CrlCheck) -> None:
    lists = (crl(SUB, end=AT - DAY), crl(ROOT))
    found = verify(LEAF.der, SUB.der, crls=lists, crl_check=check)

    assert codes(found) == ([] if check is CrlCheck.AT_HAND else [Code.CRL_HAS_EXPIRED])


def test_an_old_list_still_tells_what_was_revoked() -> None:
    lists = (crl(SUB, LEAF, end=AT - DAY),)

    assert verify(LEAF.der, SUB.der, crls=lists).code is Code.CERT_REVOKED


def test_a_list_that_another_signed_is_refused_wherever_it_is_used() -> None:
    assert verify(LEAF.der, SUB.der, crls=(crl(SUB, key=ROOT),)).code is Code.CRL_SIGNATURE_FAILURE


def test_bytes_that_are_no_list_are_no_list() -> None:
    later = LIST.replace(bytes([2, 1, 1]), bytes([2, 1, 9]), 1)  # of version 10

    assert later != LIST
    assert verify(LEAF.der, SUB.der, crls=(b"", b"\x30\x00", LEAF.der, later)).ok


def test_a_negative_serial_number_of_which_the_library_warns_is_no_reason_to_stop() -> None:
    at = SUB.der.index(bytes.fromhex("00c0ffee"))
    negative = SUB.der[:at] + b"\x80" + SUB.der[at + 1 :]
    found = verify(LEAF.der, negative, crls=(crl(SUB),), crl_check=CrlCheck.ALL)

    assert Code.CERT_SIGNATURE_FAILURE in codes(found)


def test_an_odd_name_of_which_the_library_warns_is_no_reason_to_stop() -> None:
    wanted = bytes.fromhex("0603550403")  # common name, turned into a country
    odd = LIST.replace(wanted, bytes.fromhex("0603550406"))

    assert odd != LIST
    assert verify(LEAF.der, SUB.der, crls=(odd,)).ok


def test_a_signature_that_cannot_be_checked_is_no_good_one() -> None:
    sha256, unknown = bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a8648ce3d040309")
    found = verify(LEAF.der.replace(sha256, unknown), SUB.der)

    assert found.code is Code.UNSUPPORTED_SIGNATURE_ALGORITHM


@pytest.mark.parametrize("cut", [1, 10, 60, 150])
def test_what_does_not_parse_is_said_first(cut: int) -> None:
    found = verify(LEAF.der[:cut], SUB.der)

    assert (found.code, found.depth) == (Code.UNSPECIFIED, 0)
    assert "does not parse" in found.problems[0].text


def test_all_that_is_wrong_is_told_the_first_decides() -> None:
    old = make("leaf", issuer=SUB, end=AT - DAY)
    found = verify(old.der, SUB.der, hostname=HOST)

    assert codes(found) == [Code.HOSTNAME_MISMATCH, Code.CERT_HAS_EXPIRED]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
def test_a_verdict_has_a_text_and_a_remedy_for_every_problem(case: Case) -> None:
    found = verdict(case)
    trust = Trust(made.der for made in case.trusted)

    assert found.ok is (remedy(found) is None)
    assert all(problem.text for problem in found.problems)
    assert bool(list(causes(found, [m.der for m in case.sent], trust))) is (
        found.path.end in {End.ISSUER_MISSING, End.TRUSTED_ISSUER_MISSING}
    )


@pytest.mark.parametrize(
    "case",
    [c for c in cases() if len(c.sent) > 2 and "before its" not in c.id],
    ids=lambda case: case.id,
)
def test_the_order_of_what_comes_with_the_leaf_does_not_matter(case: Case) -> None:
    leaf, *others = case.sent
    turned = replace(case, sent=(leaf, *reversed(others)))

    assert verdict(turned).code is verdict(case).code


def test_more_trust_never_breaks_a_chain_that_was_good() -> None:
    """But for roots without key identifiers, which nothing tells from others of their name."""
    everything = {made.der for case in cases() for made in case.trusted if _told_apart(made)}
    for case in cases():
        if (
            case.expected != (0, 0)
            or case.partial
            or case.crls
            or case.id == "good, no key identifiers"
        ):
            continue
        own = [made.der for made in case.trusted]
        found = verify_chain(
            [made.der for made in case.sent],
            Trust([*own, *everything]),
            time=ns(case.at),
            settings=Settings(level=case.level),
        )

        assert found.ok, (case.id, found.problems)


def _told_apart(made: Made) -> bool:
    facts = read_certificate(made.der)
    return facts.self_signed is True and facts.subject_key_id is not None


def test_one_fault_is_one_problem() -> None:
    told = {case.id: codes(verdict(case)) for case in cases()}

    assert told["short RSA key"] == [Code.EE_KEY_TOO_SMALL]
    assert told["short RSA key of a root"] == [Code.CA_KEY_TOO_SMALL]
    assert told["SHA-1"] == [Code.CA_MD_TOO_WEAK]
    assert told["expired intermediate"] == [Code.CERT_HAS_EXPIRED]
    assert told["constraints: not permitted"] == [Code.PERMITTED_VIOLATION]
    assert told["crl: revoked"] == [Code.CERT_REVOKED]


def test_a_wrong_purpose_names_what_it_is_for_and_what_was_asked() -> None:
    asked = {case.id: verdict(case).problems for case in cases() if case.purpose}

    assert "is for clientAuth" in asked["server: a client's certificate"][0].text
    assert "not for serverAuth" in asked["server: a client's certificate"][0].text
    assert "not for clientAuth" in asked["client: a server's certificate"][0].text
    assert "which serves no sslserver" in asked["server: key for neither"][0].text


def test_loops_of_authorities_end() -> None:
    one, other = make("One", SIGNER, ca=True), make("Other", SIGNER, ca=True)
    one_by_other = make("One", SIGNER, issuer=other, key=one.key, ca=True)
    other_by_one = make("Other", SIGNER, issuer=one, key=other.key, ca=True)
    leaf = make("leaf", issuer=one, dns=(HOST,))
    sent = [leaf.der, one_by_other.der, other_by_one.der]

    assert verify_chain(sent, ROOTS, time=NOW).code is Code.UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    looped = Trust([one_by_other.der, other_by_one.der])
    assert verify_chain(sent[:1], looped, time=NOW).code is Code.CERT_CHAIN_TOO_LONG


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_no_bytes_bring_the_judge_down(data: st.DataObject) -> None:
    sent = [bytearray(der) for der in (LEAF.der, SUB.der, ROOT.der, LIST)]
    for _ in range(data.draw(st.integers(1, 3))):
        raw = data.draw(st.integers(0, 3))
        at = data.draw(st.integers(0, 300))
        sent[raw][at % len(sent[raw])] = data.draw(st.integers(0, 255))
    crls = (bytes(sent[3]),)
    found = verify(*map(bytes, sent[:3]), hostname=HOST, crls=crls, crl_check=CrlCheck.ALL)

    assert all(isinstance(problem, Problem) for problem in found.problems)
    assert found.path.steps[0].facts.der == bytes(sent[0])


def test_remarks_tell_order_roots_and_strangers() -> None:
    stranger = make("Stranger", SIGNER, issuer=ROOT, ca=True)
    good = list(remarks([LEAF.der, SUB.der]))
    told = " ".join(remarks([LEAF.der, stranger.der, ROOT.der, SUB.der]))

    assert good == []
    assert "out of order (1, 4, 3 leads upwards)" in told
    assert "root was sent as well" in told
    assert "certificate 2 of 4" in told


def test_the_path_says_where_each_certificate_is_from() -> None:
    path = build_path([read_certificate(m.der) for m in (LEAF, ROOT, SUB)], ROOTS, time=NOW)

    assert [(step.origin.value, step.index) for step in path.steps] == [
        ("sent", 0),
        ("sent", 2),
        ("trusted", None),
    ]
    assert path.sent == 2


def test_of_expired_issuers_the_last_one_is_taken() -> None:
    ends = (AT - 2 * DAY, AT - DAY, AT - 3 * DAY)
    first = make("Old", SIGNER, issuer=ROOT, ca=True, end=ends[0])
    others = [make("Old", SIGNER, issuer=ROOT, ca=True, end=e, key=first.key) for e in ends[1:]]
    leaf = make("leaf", issuer=first)
    sent = [read_certificate(m.der) for m in (leaf, first, *others)]

    assert build_path(sent, ROOTS, time=NOW).steps[1].index == 2


@pytest.mark.parametrize(
    ("issuer", "likely"),
    [("Example Issuing CA", True), ("Issuing Root CA", False), ("Example CA", False)],
)
def test_names_tell_intermediates_from_roots(issuer: str, likely: bool) -> None:
    made = make("leaf", issuer_name=x509.Name.from_rfc4514_string(f"CN={issuer}"))

    assert looks_intermediate(read_certificate(made.der)) is likely


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_a_curve_that_is_spelled_out_is_refused(tmp_path: Path) -> None:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key"
    command += " -pkeyopt ec_param_enc:explicit -subj /CN=Spelled -days 20000 -out root.pem"
    subprocess.run(command.split(), check=True, capture_output=True, cwd=tmp_path)
    words = "openssl x509 -req -CA root.pem -CAkey key -days 10000 -out leaf.pem"
    request = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -subj /CN=l"
    wanted = subprocess.run(request.split(), check=True, capture_output=True, cwd=tmp_path)
    subprocess.run(
        words.split(), input=wanted.stdout, check=True, capture_output=True, cwd=tmp_path
    )
    pair = [
        subprocess.run(
            f"openssl x509 -in {name}.pem -outform DER".split(),
            check=True,
            capture_output=True,
            cwd=tmp_path,
        ).stdout
        for name in ("leaf", "root")
    ]
    at = read_certificate(pair[0]).not_before
    assert at is not None
    found = verify_chain(pair[:1], Trust(pair[1:]), time=at)

    assert (found.code, found.depth) == (Code.EC_KEY_EXPLICIT_PARAMS, 1)
    done = subprocess.run(
        ["openssl", "verify", "-CAfile", "root.pem", "leaf.pem"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert f"error {int(found.code)} at 1 depth" in done.stdout + done.stderr


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_openssl_agrees_on_loops(tmp_path: Path) -> None:
    one, other = make("One", SIGNER, ca=True), make("Other", SIGNER, ca=True)
    one_by_other = make("One", SIGNER, issuer=other, key=one.key, ca=True)
    other_by_one = make("Other", SIGNER, issuer=one, key=other.key, ca=True)
    leaf = make("leaf", issuer=one, dns=(HOST,))
    case = Case("loop", (leaf, one_by_other, other_by_one), (ROOT,))

    assert openssl(case, tmp_path) == (int(verdict(case).code), verdict(case).depth)
