"""The guess at a stack: by the order of extensions, cautious, and never wrong on what was recorded."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.pipeline import Analysis
from analyzer.tls.message.extensions import Extension
from analyzer.tls.message.hello import ClientHello, ServerHello
from analyzer.tls.registry.code_points import ExtensionType, ProtocolVersion
from analyzer.tls.registry.suites import CipherSuite
from analyzer.tls.stack import guess_client, guess_server

RECORDED: Final = Path(__file__).parents[1] / "bench" / "recorded"
# Programs of the bench that are built on OpenSSL; others are stacks of their own.
ON_OPENSSL: Final = {"curl", "python", "node", "nginx", "apache", "haproxy", "stunnel"}


def client(*types: int, suites: tuple[int, ...] = (0xC02F, 0x1301)) -> ClientHello:
    return ClientHello(
        ProtocolVersion.TLS1_2,
        bytes(32),
        cipher_suites=CipherSuite.many(suites),
        extensions=tuple(Extension(ExtensionType(kind), b"") for kind in types),
    )


def server(*types: int) -> ServerHello:
    return ServerHello(
        ProtocolVersion.TLS1_2,
        bytes(32),
        cipher_suite=CipherSuite(0xC02F),
        extensions=tuple(Extension(ExtensionType(kind), b"") for kind in types),
    )


def name(hello: ClientHello) -> str | None:
    guess = guess_client(hello)
    return guess.name if guess else None


@pytest.mark.parametrize(
    ("stack", "types"),
    [
        ("openssl", (0, 11, 10, 16, 22, 23, 49, 13, 43, 45, 51, 21)),
        ("gnutls", (5, 10, 11, 13, 22, 23, 35, 51, 43, 65281, 0, 45, 28)),
        ("go", (0, 5, 10, 11, 13, 65281, 16, 18, 43, 51)),
        ("java", (0, 5, 10, 11, 17, 23, 35, 13, 43, 45, 50, 51)),
        ("nss", (0, 23, 65281, 10, 11, 35, 16, 5, 34, 51, 43, 13, 45, 28, 21)),
        ("schannel", (0, 5, 10, 11, 13, 35, 16, 23, 24, 65281)),
    ],
)
def test_a_stack_is_known_by_the_order_of_its_extensions(
    stack: str, types: tuple[int, ...]
) -> None:
    assert name(client(*types)) == stack
    assert name(client(*reversed(types))) is None


def test_grease_everywhere_is_boringssl_in_any_order() -> None:
    suites = (0x0A0A, 0x1301)

    assert name(client(0x1A1A, 51, 13, 10, 65281, 23, 0, 0x2A2A, suites=suites)) == "boringssl"
    assert name(client(51, 13, 10, 65281, 23, 0, suites=suites)) is None


def test_few_extensions_are_no_shape() -> None:
    assert guess_client(client(0, 10, 13)) is None
    assert guess_server(server(65281), client(11)) is None


def test_an_order_that_two_stacks_share_is_no_guess() -> None:
    """(11, 23, 65281) fits GnuTLS and NSS."""
    assert guess_server(server(11, 23, 65281), client(11)) is None
    assert guess_server(server(11, 23, 35, 65281), client(11)) is not None


@given(st.lists(st.sampled_from([int(kind) for kind in ExtensionType]), max_size=20))
def test_any_hello_gives_a_guess_or_none(types: list[int]) -> None:
    guess_client(client(*types))
    guess_server(server(*types), client(*types))


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        pytest.param((0x1A1A, 0, 65281, 23, 10, 11, 13), None, id="in the order asked"),
        pytest.param((0x1A1A, 11, 0, 23, 10, 65281, 13), "go", id="in its own order"),
    ],
)
def test_an_answer_in_a_shuffled_clients_order_names_nobody(
    asked: tuple[int, ...], named: str | None
) -> None:
    guess = guess_server(server(65281, 23, 11), client(*asked))

    assert (guess.name if guess else None) == named


def family(program: str) -> str:
    return "openssl" if program in ON_OPENSSL else program


@pytest.mark.slow
def test_no_recorded_handshake_is_laid_to_the_wrong_stack() -> None:
    """The confusion table of the bench: clients are named, servers named or left open."""
    clients: Counter[tuple[str, str | None]] = Counter()
    servers: Counter[tuple[str, str | None]] = Counter()
    for path in sorted(RECORDED.glob("*.expect.json")):
        scenario = json.loads(path.read_text())["scenario"]
        capture = path.with_name(path.name.replace(".expect.json", ".pcap"))
        for judged in Analysis([capture]).judged():
            story = judged.story
            if story.offers:
                guess = story.client_stack
                clients[family(scenario["client"]), guess.name if guess else None] += 1
            if story.choice and not story.tls13:
                guess = story.server_stack
                servers[family(scenario["server"]), guess.name if guess else None] += 1

    wrong = [pair for pair in clients + servers if pair[1] not in {None, pair[0]}]
    named = sum(count for pair, count in clients.items() if pair[1])

    assert wrong == []
    assert named / clients.total() > 0.95
    assert sum(count for pair, count in servers.items() if pair[1]) / servers.total() > 0.5
