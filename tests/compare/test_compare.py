"""The difference that explains the failure is named first, and nothing is invented."""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from analyzer import rules
from analyzer.cli import run
from analyzer.compare.html import render_html
from analyzer.compare.partner import examples, partner
from analyzer.compare.ranking import LEADS, compare
from analyzer.compare.sides import rows
from analyzer.diagnosis.causes import CAUSES
from analyzer.diagnosis.engine import diagnose, outcome
from analyzer.judging import Judged
from analyzer.pipeline import Analysis
from analyzer.tls.story import Story
from tests.support import messages as m
from tests.support import stories as s

ROOT = Path(__file__).parents[2]
SAMPLES, RECORDED = ROOT / "sample_pcaps", ROOT / "tests" / "bench" / "recorded"


def judged(story: Story) -> Judged:
    diagnosis = diagnose(story, rules.modules())
    return Judged(story, diagnosis, outcome(story, diagnosis.headline))


@cache
def read(path: Path) -> tuple[Judged, ...]:
    return tuple(Analysis([path]).judged())


def parts(good: Judged, bad: Judged) -> list[str]:
    return [difference.part for difference in compare(good, bad).differences]


def test_two_equal_connections_differ_in_nothing() -> None:
    entry = judged(s.a_story())

    assert compare(entry, entry).differences == ()
    assert all(row.good == row.bad for row in rows(entry, entry))


def test_a_suite_that_is_no_longer_offered_explains_the_refusal() -> None:
    good = judged(s.a_story())
    hello = m.client_hello(suites=(0x009C,))
    bad = judged(s.alerted(s.offered(hello), s.SERVER, 40))
    first = compare(good, bad).differences[0]

    assert first.part == "offer.cipher_suites"
    assert "the server chose before" in first.text


def test_a_client_without_ecdsa_is_told_of_the_servers_key() -> None:
    (good,) = read(SAMPLES / "good_tls12.pcap")
    leaf = good.story.server_chain.leaf if good.story.server_chain else None
    assert leaf is not None
    assert leaf.key_kind == "EC"
    bad = judged(s.alerted(s.offered(m.client_hello(suites=(0xC02F, 0x009C))), s.SERVER, 40))

    assert any("no ECDSA suite" in d.text for d in compare(good, bad).differences)


def test_the_same_offer_that_is_refused_points_at_the_server() -> None:
    good = judged(s.a_story())
    bad = judged(s.alerted(s.offered(), s.SERVER, 40))
    first = compare(good, bad).differences[0]

    assert (first.part, first.side) == ("server.settings", "server")
    assert "both clients offer the same" in first.text


def test_where_the_two_part_is_said() -> None:
    found = compare(judged(s.a_story()), judged(s.alerted(s.offered(), s.SERVER, 40)))

    assert found.departure == (
        "They part after client_hello of the client: the good one goes on with server_hello of the "
        "server, the failing one with alert of the server."
    )


def test_a_refused_syn_comes_before_all_that_is_missing_after_it() -> None:
    good, bad = judged(s.a_story()), judged(s.refused_connect())

    assert parts(good, bad)[0] == "path.syn"


def test_an_encrypted_certificate_is_not_said_to_differ() -> None:
    bad = judged(s.alerted(s.answered13(), s.CLIENT, 48))
    first = compare(judged(s.tls13()), bad).differences[0]

    assert first.part.startswith("server_certificate")
    assert not first.shown
    assert "not visible" in first.text


def test_the_partner_is_the_good_one_most_like_it() -> None:
    bad = judged(s.alerted(s.offered(), s.SERVER, 40))
    like = judged(s.a_story(stream=1))
    other = like.story.server._replace(ip="203.0.113.99")
    unlike = judged(s.a_story(stream=2, server=other))

    assert partner(bad, [unlike, like, bad]) is like
    assert partner(bad, [bad]) is None
    assert examples([like, bad, bad]) == (bad,)


def test_every_lead_is_for_a_cause_and_to_a_part_that_exists() -> None:
    areas = {"offer", "choice", "server_certificate", "client_certificate", "path", "prelude"}

    assert set(LEADS) <= CAUSES
    assert {lead.partition(".")[0] for leads, _ in LEADS.values() for lead in leads} <= areas


def test_the_command_prints_text_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compare", str(SAMPLES / "good_tls12.pcap"), str(SAMPLES / "cert_expired.pcap")]
    assert run(words) == 0
    text = capsys.readouterr().out
    assert run([*words[:2], f"{words[2]}:0", "-f", "json"]) == 0
    (document,) = json.loads(capsys.readouterr().out)["comparisons"]

    assert "CN=gateway.example expired at " in text
    assert "Side by side" in text
    assert document["differences"][0]["part"] == "server_certificate.validity"
    assert document["bad"]["cause"] == "cert_expired"


def test_the_page_is_whole_and_hostile_names_are_text_in_it(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\x1b[2J"
    bad = judged(s.alerted(s.offered(m.client_hello(alpn=("<b>x</b>",))), s.SERVER, 40))
    good = judged(s.a_story(cipher_suite=evil))
    page = render_html([compare(good, bad)])
    HTMLParser().feed(page)
    path = tmp_path / "out.html"
    words = [str(SAMPLES / "good_tls12.pcap"), str(SAMPLES / "cert_expired.pcap")]

    assert "<script" not in page
    assert "<b>" not in page
    assert "\x1b" not in page
    assert page.count(" ≠</th>") == page.count('class="differs"') > 0
    assert "<th></th>" not in page
    assert page.count("<table>") == page.count("</table>") == 1
    assert run(["compare", *words, "-f", "html", "-o", str(path)]) == 0
    assert path.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["good_tls12.pcap", "good_tls12.pcap"], "no connection failed there"),
        (["cert_expired.pcap", "cert_expired.pcap"], "nothing to compare with"),
        (["good_tls12.pcap:9", "cert_expired.pcap"], "no TCP stream 9"),
        (["absent.pcap", "cert_expired.pcap"], "absent.pcap"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["compare", *(str(SAMPLES / word) for word in words)]) == 2
    complained = capsys.readouterr().err
    assert complaint in complained
    assert complained.count("\n") == 1


# Where the fault of a recorded scenario lies. Certificates are the rule.
FAULTS = (
    {
        "alpn_mismatch": ("offer.alpn", "choice.alpn"),
        "no_shared_cipher": ("offer.cipher_suites",),
        "protocol_version": ("offer.versions", "choice.version", "server.settings"),
        "no_shared_group": ("offer.groups", "offer.key_shares"),
        "inappropriate_fallback": ("offer.fallback_scsv", "offer.versions"),
        "sni_unrecognized": ("offer.sni",),
        "sni_missing": ("offer.sni",),
        "dh_key_too_small": ("choice.dh_bits",),
        "server_no_certificate": ("server_certificate", "server.settings"),
        "renegotiation_refused": ("choice.secure_renegotiation", "path.end"),
        "hostname_mismatch": ("server_certificate", "offer.sni"),
    }
    | dict.fromkeys(
        (
            *("connection_refused", "icmp_rejected", "syn_timeout", "rst_after_client_hello"),
            *(
                "rst_mid_handshake",
                "mtu_black_hole",
                "handshake_timeout",
                "server_closed_on_accept",
            ),
            *("server_closed_silently", "tampered"),
        ),
        ("path",),
    )
    | dict.fromkeys(
        ("tls_to_plaintext", "plaintext_http_to_tls", "plaintext_other_to_tls"), ("prelude",)
    )
)


def _accepted(cause: str, part: str) -> bool:
    usual = "client_certificate" if cause.startswith("client_cert") else "server_certificate"
    wanted = FAULTS.get(cause, (usual,))
    return any(part == entry or part.startswith(f"{entry}.") for entry in wanted)


@pytest.mark.slow
def test_the_injected_fault_is_named_first_in_nine_pairs_of_ten() -> None:
    """Same client, same server, same version, one fault; the partner is found by likeness."""
    good: dict[tuple[str, ...], list[Path]] = defaultdict(list)
    bad: list[tuple[tuple[str, ...], Path, str, bool]] = []
    for path in sorted(RECORDED.glob("*.expect.json")):
        document = json.loads(path.read_text())
        scenario, truth = document["scenario"], document["connections"][0]
        stacks = tuple(scenario[name] for name in ("client", "server", "version"))
        capture = path.with_name(path.name.replace(".expect.json", ".pcap"))
        # A client may judge after the handshake, and leave: then the end is all that differs.
        late = "established" in truth.get("accept", {}).get("outcome", ())
        if truth["outcome"] != "established":
            bad.append((stacks, capture, truth["cause"], late))
        elif not scenario["network"]:
            good[stacks].append(capture)
    first = []
    for stacks, capture, cause, late in bad:
        failed = read(capture)[0]
        best = partner(failed, [entry for path in good[stacks] for entry in read(path)])
        if best is not None:
            named = parts(best, failed)
            right = bool(named) and (
                _accepted(cause, named[0]) or (late and named[0] == "path.end")
            )
            first.append(right)

    assert len(first) >= 300
    assert sum(first) / len(first) >= 0.95


def test_whether_a_client_had_a_certificate_is_compared_by_lengths_as_with_keys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    good, bad = (
        RECORDED.with_name("keyed") / name
        for name in ("client-certificate.pcap", "client-certificate-missing.pcap")
    )
    keys = [f"--keylog={path.with_suffix('.keys')}" for path in (good, bad)]

    for more in ([], keys):
        assert run(["compare", str(good), str(bad), *more]) == 0
        assert "1. client certificate: none to show instead of shown" in capsys.readouterr().out
