"""Remedies in the words of products: the tables, who is meant, and how sure that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer import rules
from analyzer.advice import Named, advised, read_products
from analyzer.diagnosis.causes import CAUSES
from analyzer.diagnosis.engine import diagnose
from analyzer.errors import UsageError
from analyzer.pipeline import Analysis
from analyzer.products import products
from analyzer.products.topics import FOR_CLIENTS, FOR_SERVERS, Topic
from analyzer.tls.story import Story
from tests.support.stories import CLIENT, SERVER, alerted, answered, offered

NAMES = ("apache", "datapower", "dotnet", "f5", "go", "haproxy", "iis", "java", "nginx", "node")
RECORDED = Path(__file__).parents[1] / "bench" / "recorded"
JAVA = next(RECORDED.glob("untrusted-ca-java-*-tls12.pcap"))


def remedy(story: Story, *named: Named) -> tuple[str, ...]:
    """The remedy of the headline."""
    headline = advised(diagnose(story, rules.modules()), story, named).headline
    assert headline is not None
    return headline.remedy


def untrusted() -> Story:
    return alerted(answered(), CLIENT, 48)


def test_these_products_are_known() -> None:
    assert set(products()) == {*NAMES, "openssl"}


@pytest.mark.parametrize("name", sorted({*NAMES, "openssl"}))
def test_a_product_says_where_it_is_changed(name: str) -> None:
    product = products()[name]

    for side, topics in ((CLIENT, FOR_CLIENTS), (SERVER, FOR_SERVERS)):
        told = [product.change(cause, side) for cause in topics]
        assert product.log(side)
        assert sum(text is not None for text in told) > len(told) // 2
    for table in (product.as_client, product.as_server):
        assert all(text == text.strip() and "  " not in text for text in table.values())
        assert {Topic.TRUST, Topic.IDENTITY, Topic.VERSIONS, Topic.LOG} <= set(table)


def test_tables_speak_of_causes_that_there_are() -> None:
    assert set(FOR_CLIENTS) | set(FOR_SERVERS) <= CAUSES
    used = set(FOR_CLIENTS.values()) | set(FOR_SERVERS.values())
    assert used | {Topic.LOG} == set(Topic)


def test_a_product_that_is_named_speaks_first_and_plainly() -> None:
    steps = remedy(untrusted(), Named("java"))

    assert steps[0].startswith("Java as the client: the truststore")
    assert not [step for step in steps if step.startswith(("DataPower", "If the client is"))]


def test_a_side_that_is_named_is_the_one_that_is_meant() -> None:
    steps = remedy(untrusted(), Named("nginx", SERVER), Named("go", CLIENT))

    assert steps[0].startswith("nginx as the server: ssl_certificate")
    assert steps[1].startswith("Go as the client: tls.Config.RootCAs")


def test_the_gateway_keeps_what_rules_say_of_it() -> None:
    plain, steps = remedy(untrusted()), remedy(untrusted(), Named("datapower"))
    said = next(step for step in plain if step.startswith("DataPower"))

    assert steps[0] == said
    assert "valcred" in steps[1]


def test_a_hello_that_looks_like_a_stack_is_a_guess_and_said_so() -> None:
    (judged,) = Analysis([str(JAVA)]).judged()
    guess = "If the client is built on Java, as its hello suggests: "

    assert remedy(judged.story)[-1].startswith(guess)
    assert remedy(judged.story, Named("java"))[0].startswith("Java as the client: ")


def test_where_nothing_is_to_be_changed_the_log_is_named() -> None:
    steps = remedy(alerted(offered(), SERVER, 80), Named("go"))

    assert steps[0].startswith("Go as the server: http.Server.ErrorLog")


def test_products_and_sides_are_read() -> None:
    assert read_products(["Java", "client=go"]) == (Named("java"), Named("go", CLIENT))
    with pytest.raises(UsageError, match=r"^cobol: no such product; there are apache, "):
        read_products(["cobol"])
    with pytest.raises(UsageError, match="a side is client or server"):
        read_products(["middle=java"])
