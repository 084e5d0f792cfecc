"""Chains of third-party captures: the verdicts are those of ``openssl verify``."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from analyzer.errors import UsageError
from analyzer.pipeline import Analysis
from analyzer.pki.codes import Code
from analyzer.pki.gather import gather
from analyzer.pki.names import pem
from analyzer.pki.path import Trust
from analyzer.pki.roots import system_roots
from analyzer.pki.stores import NO_PASSWORDS
from analyzer.pki.targets import Target
from analyzer.pki.verify import Settings, verify_chain
from analyzer.tls.story import Story
from tests.support.shared import shared

pytestmark = [
    *(pytest.mark.corpus, pytest.mark.slow, pytest.mark.peer),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl"),
]


def stories(path: str) -> list[Story]:
    return [judged.story for judged in Analysis([path]).judged()]


@pytest.mark.parametrize("level", [0, 2])
def test_every_chain_that_openssl_can_read_gets_its_verdict(level: int, tmp_path: Path) -> None:
    """But for keys that OpenSSL is too old for, and certificates that our library refuses."""
    try:
        roots, _ = system_roots()
    except UsageError as error:
        pytest.skip(str(error))
    (tmp_path / "roots.pem").write_text("".join(map(pem, roots)))
    trust, wrong, compared = Trust(roots), [], 0
    for target, _ in gather([str(shared("corpus/tls"))], NO_PASSWORDS, stories).sent:
        said = openssl(target, level, tmp_path)
        if said is None:
            continue
        chosen = Settings(purpose=target.purpose, hostname=target.hostname, level=level)
        found = verify_chain(target.sent, trust, time=target.time or 0, settings=chosen)
        kinds = {step.facts.key_kind for step in found.path.steps}
        if kinds & {"ML-DSA", "SLH-DSA"} or found.code is Code.UNSUPPORTED_SIGNATURE_ALGORITHM:
            continue
        compared += 1
        if (int(found.code), found.depth) != said:
            wrong.append((target.place.source, target.place.stream, said, found.problems))

    assert wrong == []
    assert compared >= 150


def openssl(target: Target, level: int, folder: Path) -> tuple[int, int] | None:
    """OpenSSL's first error and its depth; None where it cannot load the certificates."""
    assert target.time is not None
    assert target.purpose is not None
    leaf, *others = target.sent
    (folder / "leaf.pem").write_text(pem(leaf))
    (folder / "others.pem").write_text("".join(map(pem, others)))
    command = ["openssl", "verify", "-attime", str(target.time // 10**9), "-no-CApath"]
    command += ["-CAfile", "roots.pem", "-auth_level", str(level)]
    command += ["-purpose", target.purpose.value]
    command += ["-untrusted", "others.pem"] if others else []
    command += ["-verify_hostname", target.hostname] if target.hostname else []
    done = subprocess.run([*command, "leaf.pem"], capture_output=True, check=False, cwd=folder)
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    found = re.search(r"^error (\d+) at (\d+) depth", said, re.MULTILINE)
    if found is not None:
        return int(found[1]), int(found[2])
    return (0, 0) if done.returncode == 0 else None
