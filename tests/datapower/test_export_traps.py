"""Settings that mislead: a name of the gateway's own choice, a check of names that does not count."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer import rules
from analyzer.datapower.export.container import read_bytes
from analyzer.datapower.graph import build_graph
from analyzer.datapower.view import with_objects
from analyzer.diagnosis.engine import diagnose
from analyzer.diagnosis.model import Finding
from analyzer.tls.story import Story
from tests.datapower.test_export_cases import SERVER, back, client
from tests.support import messages as m
from tests.support import stories as told
from tests.support.exports import Property, as_xml

URL = "https://orders.example:443/"


def findings(story: Story, url: str = URL, **changes: Property) -> dict[str, Finding]:
    graph = build_graph([read_bytes(as_xml(back(client(**changes), url)), "export.xml")])
    found = diagnose(with_objects(graph, story), rules.modules())
    return {one.rule: one for one in (found.headline, *found.findings) if one is not None}


def unknown_name(name: str = "wrong.example") -> Story:
    return told.alerted(told.offered(m.client_hello(sni=name)), SERVER, 112)


def tolerated() -> Story:
    story = told.a_story()
    assert story.server_chain is not None
    return replace(story, server_chain=replace(story.server_chain, name_matches=False))


CUSTOM: dict[str, Property] = {"UseCustomSNIHostname": "yes", "CustomSNIHostname": "wrong.example"}
LENIENT: dict[str, Property] = {"ValidateHostname": "on", "HostnameValidationFailOnError": "off"}


def test_a_custom_name_that_the_backend_does_not_know_is_named() -> None:
    found = findings(unknown_name(), URL, **CUSTOM)["TLS-DPX-037"]

    assert found.title.startswith(
        "SSLClientProfile back: CustomSNIHostname makes it ask 198.51.100.20:443"
    )
    assert "for wrong.example instead of orders.example" in found.title
    assert found.cause == "sni_unrecognized"


@pytest.mark.parametrize(
    ("story", "url", "changes"),
    [
        pytest.param(unknown_name("orders.example"), URL, {}, id="the name of the URL"),
        pytest.param(unknown_name(), "https://wrong.example:443/", CUSTOM, id="the same name"),
        pytest.param(told.alerted(told.offered(m.client_hello(sni="wrong.example")), SERVER, 40), URL, CUSTOM, id="another failure"),
    ],
)  # fmt: skip
def test_other_names_and_other_failures_are_not_laid_to_it(
    story: Story, url: str, changes: dict[str, Property]
) -> None:
    assert "TLS-DPX-037" not in findings(story, url, **changes)


def test_a_name_that_does_not_fit_and_does_not_count_is_worth_a_note() -> None:
    url = "https://198.51.100.20:443/"
    found = findings(tolerated(), url, **LENIENT)

    assert "goes on though the name" in found["TLS-DPX-038"].title
    assert "TLS-DPX-038" not in findings(told.a_story(), url, **LENIENT)
    assert "TLS-DPX-038" not in findings(tolerated(), url)
    assert "TLS-DPX-038" not in findings(
        tolerated(), url, **{**LENIENT, "HostnameValidationFailOnError": "on"}
    )
