"""One backend, and several services that connect there with profiles of their own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer import rules
from analyzer.datapower.export.container import read_bytes
from analyzer.datapower.export.objects import Export
from analyzer.datapower.graph import Graph, build_graph
from analyzer.datapower.view import with_objects
from analyzer.diagnosis.engine import diagnose
from analyzer.tls.story import Story
from tests.support import messages as m
from tests.support import stories as told
from tests.support.exports import Property, as_xml, client_profile, service

GATEWAY, PARTNER = "192.0.2.10", "198.51.100.20"
ONE: dict[str, Property] = {
    "Protocols": {"TLSv1d2"},
    "Ciphers": ["ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
}
OTHER: dict[str, Property] = {**ONE, "Ciphers": ["ECDHE_RSA_WITH_AES_256_GCM_SHA384"]}
HELLO = m.client_hello(sni=None, suites=(0xC02F,), groups=(23,))


def domains(*profiles: dict[str, Property]) -> Graph:
    """A domain for each of these client profiles, all with the same backend."""
    exports = [
        read_bytes(
            as_xml(
                [
                    service(f"https://{PARTNER}/"),
                    client_profile("back", EllipticCurves=["secp256r1"], **settings),
                ],
                f"team-{number}",
                addresses=[GATEWAY],
            ),
            "export.xml",
        )
        for number, settings in enumerate(profiles, 1)
    ]
    return build_graph([together(exports)])


def together(exports: list[Export]) -> Export:
    """Several domains of one appliance."""
    return replace(exports[0], domains=tuple(d for export in exports for d in export.domains))


def failing(hello: bytes = HELLO) -> Story:
    return told.alerted(told.offered(hello), told.SERVER, 40)


def test_the_profile_that_alone_can_have_sent_the_hello_is_meant() -> None:
    view = with_objects(domains(OTHER, ONE), failing()).objects

    assert view is not None
    assert (view.domain, view.certain, view.rivals) == ("team-2", True, ())
    assert "of 2 profiles" in view.found_by


def test_where_several_fit_each_is_named_with_what_sets_them_apart() -> None:
    more: dict[str, Property] = {
        **ONE,
        "ValidateHostname": "on",
        "Ciphers": [*ONE["Ciphers"], *OTHER["Ciphers"]],
    }
    story = with_objects(domains(ONE, more), failing())
    alone, said = (diagnose(one, rules.modules()).headline for one in (failing(), story))

    assert story.objects is not None
    assert story.objects.domain == "team-1 or team-2"
    assert said is not None
    assert alone is not None
    assert (said.rule, said.cause) == ("TLS-DPX-039", alone.cause)
    assert said.confidence is alone.confidence
    assert said.title.startswith(
        "MultiProtocolGateway orders of domain team-1 or MultiProtocolGateway orders of domain team-2: "
        f"either may have made the connection to {PARTNER}:443"
    )
    assert "no more or TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" in said.explanation
    assert "host name validation: off or on" in said.explanation


@pytest.mark.parametrize(
    "profiles",
    [
        pytest.param((OTHER, {**OTHER, "ValidateHostname": "on"}), id="none can have sent it"),
        pytest.param((ONE,) * 4, id="they are many"),
    ],
)
def test_where_none_or_too_many_can_have_sent_the_hello_none_is_named(
    profiles: tuple[dict[str, Property], ...],
) -> None:
    assert with_objects(domains(*profiles), failing()).objects is None


def test_a_connection_that_went_well_accuses_nobody() -> None:
    scene = told.offered(HELLO).server(m.server_flight()).ack(told.CLIENT)
    scene.client(m.client_flight()).server(m.finished()).ack(told.CLIENT)
    story = with_objects(domains(ONE, ONE), told.closed(told.used(scene)).story())

    assert story.objects is not None
    assert diagnose(story, rules.modules()).headline is None


def test_what_a_default_was_assumed_for_speaks_against_nobody() -> None:
    open_ = {key: value for key, value in ONE.items() if key == "Protocols"}
    graph = domains(open_, ONE)
    view = with_objects(graph, failing()).objects

    assert view is not None
    assert len(view.rivals) == 2
