"""The verdicts on the matrix of chains: as recorded, and as ``openssl verify`` gives them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from analyzer.pki.codes import Code
from analyzer.pki.path import Trust
from analyzer.pki.revocation import CrlCheck
from analyzer.pki.verify import Purpose, Settings, Verdict, verify_chain
from tests.pki.matrix import Case, cases
from tests.tls.certificates import Made, ns

DOCS = Path(__file__).parents[2] / "docs" / "certificates.md"


def verdict(case: Case) -> Verdict:
    settings = Settings(
        purpose=Purpose(case.purpose) if case.purpose else None,
        hostname=case.host,
        level=case.level,
        partial_chain=case.partial,
        crls=case.crls,
        crl_check=CrlCheck(case.crl_check),
    )
    trust = Trust(made.der for made in case.trusted)
    sent = [made.der for made in case.sent]
    return verify_chain(sent, trust, time=ns(case.at), settings=settings)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
def test_verdicts_are_as_recorded(case: Case) -> None:
    found = verdict(case)

    assert (int(found.code), found.depth) == case.expected


def test_there_are_enough_chains_and_every_difference_has_a_reason() -> None:
    assert len(cases()) >= 60
    assert len({case.id for case in cases()}) == len(cases())
    for case in cases():
        assert (case.ours is None) == (case.reason == ""), case.id
        assert case.ours != case.openssl, case.id


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
def test_openssl_says_what_is_recorded(case: Case, tmp_path: Path) -> None:
    assert openssl(case, tmp_path) == case.openssl


def openssl(case: Case, folder: Path) -> tuple[int, int]:
    """The first error that ``openssl verify`` prints, and its depth."""
    done = subprocess.run(
        _command(case, folder), capture_output=True, text=True, check=False, cwd=folder
    )
    said = done.stdout + done.stderr
    found = re.search(r"^error (\d+) at (\d+) depth lookup: (.*)$", said, re.MULTILINE)
    if found is None:
        assert done.returncode == 0, said
        return 0, 0
    if int(found[1]) in set(Code):
        assert found[3] == Code(int(found[1])).text
    return int(found[1]), int(found[2])


def _command(case: Case, folder: Path) -> list[str]:
    leaf, *others = case.sent
    write(folder / "leaf.pem", (leaf,))
    write(folder / "trusted.pem", case.trusted)
    command = ["openssl", "verify", "-attime", str(int(case.at.timestamp()))]
    command += ["-auth_level", str(case.level), "-no-CApath", "-no-CAstore"]
    command += ["-CAfile", "trusted.pem"] if case.trusted else ["-no-CAfile"]
    if others:
        write(folder / "untrusted.pem", tuple(others))
        command += ["-untrusted", "untrusted.pem"]
    if case.purpose:
        command += ["-purpose", case.purpose]
    if case.host:
        address = case.host[0].isdigit()
        command += ["-verify_ip" if address else "-verify_hostname", case.host]
    if case.partial:
        command += ["-partial_chain"]
    for number, der in enumerate(case.crls):
        (folder / f"{number}.der").write_bytes(der)
        subprocess.run(
            ["openssl", "crl", "-inform", "DER", "-in", f"{number}.der", "-out", f"{number}.crl"],
            check=True,
            cwd=folder,
        )
    if case.crls:
        joined = b"".join((folder / f"{n}.crl").read_bytes() for n in range(len(case.crls)))
        (folder / "crls.pem").write_bytes(joined)
        command += ["-CRLfile", "crls.pem"]
    if case.crl_check == "leaf":
        command += ["-crl_check"]
    elif case.crl_check == "all":
        command += ["-crl_check", "-crl_check_all"]
    return [*command, "leaf.pem"]


def write(path: Path, certificates: tuple[Made, ...]) -> None:
    path.write_bytes(b"".join(m.certificate.public_bytes(Encoding.PEM) for m in certificates))
