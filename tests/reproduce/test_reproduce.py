"""Commands that repeat a connection: what they say, and that hostile text stays harmless."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.cli import run
from analyzer.errors import UsageError
from analyzer.pipeline import Analysis
from analyzer.reproduce.book import TOOLS, recipes
from analyzer.reproduce.recipe import host_and_port
from analyzer.reproduce.shape import differences, shape_of
from analyzer.reproduce.shell import UnsafeTextError, command, quoted
from analyzer.tls.story import Prelude, PreludeEnd, Story
from analyzer.tls.x509.ocsp import Staple
from tests.reproduce.hellos import SAMPLES
from tests.support import messages as m
from tests.support import stories
from tests.support.stories import a_story


def sample(name: str) -> Story:
    return next(iter(Analysis([SAMPLES / name]).judged())).story


def written(story: Story, tool: str, **how: str) -> str:
    (recipe,) = recipes(story, [tool], **how)  # type: ignore[arg-type]
    return recipe.command


def words(story: Story, tool: str = "openssl-client") -> list[str]:
    return shlex.split(written(story, tool).replace("\\\n", " "))


def value(found: list[str], option: str) -> str:
    return found[found.index(option) + 1]


def test_s_client_offers_what_the_client_offered() -> None:
    found = words(sample("cert_expired.pcap"))

    assert value(found, "-connect") == "198.51.100.20:443"
    assert value(found, "-servername") == "gateway.example"
    assert value(found, "-max_protocol") == "TLSv1.3"
    assert value(found, "-groups").startswith("X25519:P-256:")
    assert value(found, "-ciphersuites").startswith("TLS_AES_256_GCM_SHA384:")
    assert value(found, "-sigalgs").startswith("ecdsa_secp256r1_sha256:")


def test_s_server_answers_with_what_the_server_chose() -> None:
    found = words(sample("cert_expired.pcap"), "openssl-server")

    assert value(found, "-min_protocol") == value(found, "-max_protocol") == "TLSv1.2"
    assert value(found, "-cipher") == "ECDHE-ECDSA-AES256-GCM-SHA384:@SECLEVEL=0"
    assert value(found, "-groups") == "X25519"


def test_a_server_that_chose_nothing_is_not_guessed() -> None:
    (recipe,) = recipes(sample("alpn_mismatch.pcap"), ["openssl-server"])

    assert "-cipher" not in recipe.command
    assert any("chose nothing" in note for note in recipe.notes)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("client_cert_missing_tls12.pcap", "chain.pem"),
        ("client_cert_missing_tls13.pcap", "client-roots.pem"),
        ("dh_key_too_small.pcap", "dh.pem"),
    ],
)
def test_every_file_that_a_server_needs_can_be_made(name: str, file: str) -> None:
    (recipe,) = recipes(sample(name), ["openssl-server"])

    assert file in recipe.command
    assert _files(recipe.command) <= _files(recipe.before)


def test_an_answer_of_ocsp_can_be_made_without_which_the_server_would_refuse() -> None:
    stapled = replace(a_story(), staple=Staple("successful", "good"))
    (recipe,) = recipes(stapled, ["openssl-server"])

    assert "-status_file staple.der" in recipe.command
    assert "-respout staple.der" in recipe.before


@pytest.mark.parametrize(
    ("tool", "judging"),
    [
        ("openssl-client", "-verify_return_error -verify_hostname gateway.example"),
        ("gnutls", "gnutls-cli --verify-hostname gateway.example"),
        ("java", "-Dcheck=true"),
        ("curl", "curl --verbose --max-time"),
    ],
)
def test_only_a_client_that_refused_the_certificate_is_repeated_by_one_that_judges(
    tool: str, judging: str
) -> None:
    assert judging in written(sample("cert_expired.pcap"), tool)
    assert judging not in written(sample("client_cert_missing_tls12.pcap"), tool)


def test_curl_insists_on_a_staple_only_where_one_came() -> None:
    asked = sample("good_gnutls.pcap")

    assert "--cert-status" not in written(asked, "curl")
    stapled = replace(asked, staple=Staple("successful", "good"))
    assert "--cert-status" in written(stapled, "curl")


def _files(text: str) -> set[str]:
    return set(re.findall(r"[a-z-]+[.](?:pem|key|der)", text))


def test_the_way_through_a_proxy_and_starttls_is_kept() -> None:
    story = a_story()
    proxied = replace(
        story, prelude=Prelude("http connect", PreludeEnd.AGREED, 4, "200", "gateway.example:8443")
    )
    mail = replace(story, prelude=Prelude("smtp", PreludeEnd.AGREED, 4, "220 go ahead"))

    assert value(words(proxied), "-connect") == "gateway.example:8443"
    assert value(words(proxied), "-proxy") == "198.51.100.20:443"
    assert value(words(mail), "-starttls") == "smtp"
    assert "smtp://" in written(mail, "curl")


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    "name", ["$(reboot)", "a'; reboot #", "-evil", "--evil", "x\x1b[2Jy", "a b", "\u202egpj.exe"]
)
def test_a_hostile_name_never_reaches_a_command(tool: str, name: str) -> None:
    hello = m.client_hello(sni=name, alpn=(f"h,{name}", "h2"))
    story = stories.offered(hello).story()
    story = replace(story, prelude=Prelude("http connect", PreludeEnd.AGREED, 4, "200", name))
    (recipe,) = recipes(story, [tool])

    assert name not in recipe.command + recipe.before
    assert "evil" not in recipe.command


@given(st.text())
def test_what_the_shell_gets_is_one_word_or_nothing(text: str) -> None:
    try:
        line = quoted(text)
    except UnsafeTextError:
        assert not text.isprintable()
        return

    assert text.isprintable()
    assert shlex.split(line) == [text]
    assert command((text, "x")) == f"{line} x"


@pytest.mark.parametrize("text", ["", "host", ":443", "host:0", "host:65536", "host:x", "::1:443"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT"):
        host_and_port(text)


def test_addresses_are_read_in_both_families() -> None:
    assert host_and_port("[2001:db8::1]:443") == ("2001:db8::1", 443)
    assert host_and_port("gateway.example:8443") == ("gateway.example", 8443)
    assert host_and_port("gateway.example", 443) == ("gateway.example", 443)
    assert host_and_port("[::1]", 443) == ("::1", 443)


def test_a_connection_without_an_offer_has_nothing_to_repeat() -> None:
    with pytest.raises(UsageError, match="ClientHello"):
        recipes(stories.refused_connect())


def test_a_shape_differs_from_itself_in_nothing() -> None:
    shape = shape_of(sample("good_tls13.pcapng").offers[0])

    assert differences(shape, shape) == ()
    assert [d.part for d in differences(shape, replace(shape, groups=shape.groups and shape.groups[1:]))] == ["groups"]  # fmt: skip


def test_groups_of_newer_releases_come_when_asked_for() -> None:
    story = stories.offered(m.client_hello_13(groups=(0x11EC, 29))).story()
    (old,) = recipes(story, ["openssl-client"])
    (new,) = recipes(story, ["openssl-client"], release=(3, 5))

    assert "-groups X25519 " in old.command
    assert any("--openssl 3.5" in note for note in old.notes)
    assert "-groups X25519MLKEM768:X25519 " in new.command


def test_what_openssl_does_not_send_in_tls_1_3_is_said_to_be_left_out() -> None:
    hello = m.client_hello_13(versions=(0x0304,), groups=(29, 26, 256), schemes=(0x0403, 0x0203))
    (recipe,) = recipes(stories.offered(hello).story(), ["openssl-client"])
    said = {difference.part: difference.text for difference in recipe.unlike}

    assert said["groups"] == "groups: left out: brainpoolP256r1"
    assert said["signature_algorithms"] == "signature algorithms: left out: ecdsa_sha1"


def test_a_priority_string_makes_suites_that_were_not_asked_for_and_that_is_said() -> None:
    story = stories.offered(m.client_hello(suites=(0xC02B, 0x009C))).story()
    (recipe,) = recipes(story, ["gnutls"])

    assert ":+AES-128-GCM:+AEAD:+ECDHE-ECDSA:+RSA:" in recipe.command
    assert [d.part for d in recipe.unlike] == ["habits"]


def test_the_command_prints_every_tool(capsys: pytest.CaptureFixture[str]) -> None:
    place = f"{SAMPLES / 'cert_expired.pcap'}:0"

    assert run(["reproduce", place, "--no-color"]) == 0
    text = capsys.readouterr().out
    for start in ("openssl s_client", "openssl s_server", "curl", "gnutls-cli", "java"):
        assert f"\n  {start} " in text


def test_json_and_shell_are_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    place = str(SAMPLES / "cert_expired.pcap")
    assert run(["reproduce", place, "-t", "curl", "-f", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert run(["reproduce", place, "-t", "curl", "-f", "shell"]) == 0

    assert capsys.readouterr().out == document["commands"][0]["command"] + "\n"
    assert document["commands"][0]["unlike"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["cert_expired.pcap:7"], "no TCP stream 7 (it has only 0)"),
        (["absent.pcap"], "absent.pcap"),
        (["cert_expired.pcap", "--openssl", "new"], "not a version"),
        (["cert_expired.pcap", "--connect", "nowhere"], "HOST:PORT"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(Path(SAMPLES) / arguments[0])

    assert run(["reproduce", place, *arguments[1:]]) == 2
    complained = capsys.readouterr().err
    assert complaint in complained
    assert complained.count("\n") == 1


@pytest.mark.parametrize(
    ("capture", "shown"),
    [
        ("client_cert_missing_tls12.pcap", False),
        ("client_cert_missing_tls13.pcap", False),
        ("client_cert_untrusted_tls12.pcap", True),
        ("client_cert_untrusted_tls13.pcap", True),
    ],
)
def test_a_client_without_a_certificate_is_repeated_without_one(capture: str, shown: bool) -> None:
    assert ("-cert" in words(sample(capture))) is shown
