"""The commands, run by the real programs: what they send differs only where it is said."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from analyzer.pipeline import Analysis
from analyzer.reproduce.book import recipes
from analyzer.reproduce.java import PROGRAM
from analyzer.reproduce.shape import HABITS, differences, shape_of
from analyzer.tls.registry.suite_facts import facts_of
from analyzer.tls.story import Story
from tests.reproduce.hellos import SAMPLES, recorded, sent_by

# Of a client that has a certificate; its files are not here.
FILES = (
    *("--cert client.pem", "--key client.key", "-cert client.pem", "-key client.key"),
    *("--x509certfile client.pem", "--x509keyfile client.key"),
    *("-Djavax.net.ssl.keyStore=client.p12", "-Djavax.net.ssl.keyStorePassword=changeit"),
)
PLACE = "127.0.0.1:65000"

pytestmark = pytest.mark.peer


def _parts(story: Story, tool: str) -> tuple[set[str], set[str], str]:
    """What differs in truth, what is said to differ, and how it is told."""
    (recipe,) = recipes(story, [tool], connect=PLACE)
    command = recipe.command.partition("\nEND\n")[2] or recipe.command
    for file in FILES:
        command = command.replace(f" {file}", "")
    hello = sent_by(command.replace("65000", "PORT"))
    assert hello is not None, command
    sent = differences(shape_of(story.offers[0]), shape_of(hello))
    said = {difference.part for difference in recipe.unlike}
    if "habits" in said:
        said |= HABITS
    return {d.part for d in sent}, said, f"{command}\n{sent}"


def _tls_first(story: Story) -> bool:
    return story.prelude is None


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
def test_what_s_client_sends_differs_exactly_where_it_is_said() -> None:
    wrong = []
    for story in filter(_tls_first, recorded()):
        true, said, how = _parts(story, "openssl-client")
        if true != said:
            wrong.append(f"stream {story.stream}: {sorted(true ^ said)}\n{how}")

    assert wrong == []


@pytest.mark.parametrize("tool", ["curl", "gnutls"])
def test_what_other_tools_send_differs_only_where_it_is_said(tool: str) -> None:
    if shutil.which({"gnutls": "gnutls-cli"}.get(tool, tool)) is None:
        pytest.skip(f"no {tool}")
    wrong = []
    for story in filter(_tls_first, recorded()):
        true, said, how = _parts(story, tool)
        if not true <= said:
            wrong.append(f"stream {story.stream}: {sorted(true - said)}\n{how}")

    assert wrong == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="no java")
def test_what_java_sends_differs_only_where_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Handshake.java").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    wrong = []
    for story in [*filter(_tls_first, recorded())][::8]:
        true, said, how = _parts(story, "java")
        if not true <= said:
            wrong.append(f"stream {story.stream}: {sorted(true - said)}\n{how}")

    assert wrong == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
@pytest.mark.parametrize(
    "name", ["good_tls12.pcap", "good_tls13.pcapng", "good_hello_retry_request.pcap"]
)
def test_both_openssl_commands_together_agree_on_what_the_capture_shows(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    story = next(iter(Analysis([SAMPLES / name]).judged())).story
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    client, server = recipes(
        story, ["openssl-client", "openssl-server"], connect=f"127.0.0.1:{port}"
    )
    subprocess.run(["sh", "-c", server.before], check=True, capture_output=True)
    words = server.command.replace("4433", str(port))
    serving = subprocess.Popen(
        ["sh", "-c", f"exec {words}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        assert serving.stdout is not None
        while b"ACCEPT" not in serving.stdout.readline():
            pass
        said = subprocess.run(
            ["sh", "-c", f"exec {client.command} -brief"],
            input=b"",
            capture_output=True,
            check=False,
            timeout=10,
        ).stderr.decode()
    finally:
        serving.kill()
        serving.communicate()

    assert f"Protocol version: {story.version}" in said
    suite = facts_of(story.choice.cipher_suite).openssl_name if story.choice else None
    assert f"Ciphersuite: {suite}" in said
