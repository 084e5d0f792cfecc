"""What a server takes is found by asking, and the asking is bounded."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import time
from itertools import pairwise

import pytest

from analyzer.cli import run
from analyzer.live.hello import freshened, serialise
from analyzer.live.link import Goal
from analyzer.live.matrix import candidates, explore
from analyzer.tls.message.client_hello import decode_client_hello
from analyzer.tls.registry.code_points import ExtensionType, ProtocolVersion
from analyzer.tls.registry.suite_facts import facts_of
from tests.live import servers
from tests.support import messages as m


def goal(port: int) -> Goal:
    return Goal("127.0.0.1", port, timeout=5)


def test_versions_and_suites_are_those_of_the_server() -> None:
    made = servers.context(minimum_version=ssl.TLSVersion.TLSv1_2)
    made.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-SHA")
    with servers.serving(servers.tls(made)) as port:
        found = explore(goal(port), pause=0)
    names = {
        version.label: {facts_of(suite).openssl_name for suite in suites}
        for version, suites in found.suites.items()
    }

    assert [v.label for v, answer in found.versions.items() if answer.taken] == [
        "TLSv1.3",
        "TLSv1.2",
    ]
    assert "alert protocol_version (70)" in found.versions[ProtocolVersion.TLS1_1].words
    assert names["TLSv1.2"] == {"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA"}
    assert names["TLSv1.3"] == {
        entry["name"] for entry in made.get_ciphers() if entry["protocol"] == "TLSv1.3"
    }
    assert found.stopped == ""


def test_the_groups_of_a_server_are_found_in_both_ways_of_asking() -> None:
    made = servers.context()
    made.set_ecdh_curve("secp384r1")
    with servers.serving(servers.tls(made)) as port:
        found = explore(goal(port), pause=0)

    assert [g.label for g in found.groups[ProtocolVersion.TLS1_3]] == ["secp384r1"]


def test_no_more_connections_are_made_than_allowed() -> None:
    with servers.serving(servers.tls(servers.context())) as port:
        found = explore(goal(port), most=3, pause=0)

    assert found.asked == len(found.recordings) == 3
    assert "limit" in found.stopped


def test_connections_come_one_after_the_other_with_a_pause() -> None:
    with servers.serving(servers.tls(servers.context())) as port:
        found = explore(goal(port), most=4, pause=0.1)
    starts = [recording.started for recording in found.recordings]

    assert all(later - sooner >= 100_000_000 for sooner, later in pairwise(starts))


def test_a_server_that_speaks_no_tls_is_left_soon() -> None:
    began = time.monotonic()
    with servers.serving(servers.plain) as port:
        found = explore(goal(port), pause=0)

    assert {answer.words for answer in found.versions.values()} == {"answered without TLS"}
    assert found.asked == len(found.versions)
    assert time.monotonic() - began < 6


def test_the_lists_are_printed_for_people_and_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = servers.context(maximum_version=ssl.TLSVersion.TLSv1_2)
    made.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
    with servers.serving(servers.tls(made)) as port:
        words = ["probe", f"127.0.0.1:{port}", "--matrix", "--pause", "0"]
        assert run(words) == 0
        text = capsys.readouterr().out
        assert run([*words, "-f", "json"]) == 0
        document = json.loads(capsys.readouterr().out)

    assert "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" in text
    assert document["cipher_suites"] == {"TLSv1.2": ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"]}
    assert document["versions"]["TLSv1.3"]["taken"] is False


def test_nothing_that_needs_more_than_a_certificate_is_asked_for() -> None:
    asked = candidates(ProtocolVersion.TLS1_2)

    assert facts_of(asked[0]).forward_secret
    assert facts_of(asked[-1]).weak
    assert not [suite for suite in asked if "PSK" in suite.label or "SRP" in suite.label]


def test_a_hello_that_is_sent_again_differs_only_where_it_must() -> None:
    old = m.extension(41, bytes(40))  # a pre-shared key: its binder fits the old random only
    record = m.client_hello_13(old, alpn=("h2",))
    before, _ = decode_client_hello(record[9:])
    assert before is not None
    assert serialise(before)[3:] == record[3:]
    sent = serialise(freshened(before, "other.example"))
    after, defect = decode_client_hello(sent[9:])
    assert after is not None
    assert defect is None

    assert after.random != before.random
    assert after.body(ExtensionType.KEY_SHARE) != before.body(ExtensionType.KEY_SHARE)
    assert after.key_shares == before.key_shares
    assert after.server_name == "other.example"
    assert [e for e in before.extension_types if e not in after.extension_types] == [
        ExtensionType.PRE_SHARED_KEY
    ]
    assert after.cipher_suites == before.cipher_suites


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
def test_s_server_is_read_as_it_was_set() -> None:
    path = str(servers.identity_file())
    words = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", path, "-key", path, "-www"]
    words += ["-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256:@SECLEVEL=0", "-groups", "P-384:P-256"]
    words += ["-serverpref", "-min_protocol", "TLSv1.2"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            assert process.stdout is not None
            while b"ACCEPT" not in (line := process.stdout.readline()):
                assert line
            found = explore(goal(int(line.rpartition(b":")[2])), pause=0)
        finally:
            process.kill()
    groups = {v.label: [g.label for g in listed] for v, listed in found.groups.items()}

    assert [facts_of(s).openssl_name for s in found.suites[ProtocolVersion.TLS1_2]] == [
        "ECDHE-ECDSA-AES128-GCM-SHA256"
    ]
    assert {label: set(listed) for label, listed in groups.items()} == {
        "TLSv1.3": {"secp384r1", "secp256r1"},
        "TLSv1.2": {"secp384r1", "secp256r1"},
    }
