"""A glance at a hello tells the same as decoding it, or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.limits import DEFAULT
from analyzer.tls.glance import Chosen, asked, chosen
from analyzer.tls.message.hello import ServerHello, decode_client_hello, decode_server_hello
from analyzer.tls.outline import _bodies, _records
from analyzer.tls.registry.suite_facts import facts_of
from tests.tls.test_outline import RECORDED, SAMPLES, gather


def hellos(paths: list[Path], wanted: int) -> Iterator[bytes]:
    """The first hellos of a kind that the connections of some captures begin with."""
    for path in paths:
        for evidence in gather(path, DEFAULT)[0]:
            for half in evidence.halves:
                side = _records(half._replace(left_out=1), b"".join(p.data for p in half.pieces))
                yield from _bodies(side, wanted) if side is not None else ()


CLIENT, SERVER = (sorted(set(hellos(SAMPLES, wanted))) for wanted in (1, 2))


def choices(hello: ServerHello) -> tuple[object, ...]:
    """All of a choice that an outline asks for."""
    facts = facts_of(hello.cipher_suite)
    hashed = hashlib.new("sha384" if facts.hash == "SHA384" else "sha256").digest_size
    return (
        *(hello.version_name, hello.cipher_suite, hello.cipher_suite.name),
        *(hello.group.name if hello.group else None, hello.alpn, hello.psk_selected),
        *(facts.key_exchange, (facts.tag_length or 16) + 1, 4 + hashed),
        hello.goes_without,
    )


def glanced_choices(seen: Chosen) -> tuple[object, ...]:
    """The same, as seen at a glance."""
    return (*seen[:-2], seen.finished - seen.sealing, seen.goes_without)


def check(body: bytes) -> None:
    """Hold glances at arbitrary bytes against the decoders."""
    offer, defect = decode_client_hello(body)
    seen = asked(body)
    assert (seen is None) == (offer is None or defect is not None)
    assert seen is None or offer is None or seen.server_name == offer.server_name
    choice, defect = decode_server_hello(body)
    glanced = chosen(body)
    if glanced is not None:
        assert defect is None
        assert choice is not None
        assert not choice.is_hello_retry_request
        assert glanced_choices(glanced) == choices(choice)


def test_there_are_hellos_to_look_at() -> None:
    assert len(CLIENT) > 30
    assert len(SERVER) > 20
    assert sum(chosen(body) is not None for body in SERVER) > 20


@pytest.mark.parametrize("bodies", [CLIENT, SERVER], ids=["ClientHello", "ServerHello"])
def test_every_hello_cut_anywhere_tells_the_same_or_nothing(bodies: list[bytes]) -> None:
    for body in bodies[:12]:
        for end in range(len(body) + 1):
            check(body[:end])
        check(body + b"\0")


@given(body=st.sampled_from(CLIENT + SERVER), data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_hello_tells_the_same_or_nothing(body: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(body) - 1))
    value = data.draw(st.integers(0, 255))

    check(body[:at] + bytes([value]) + body[at + 1 :])


def test_random_session_id_and_key_are_not_looked_at() -> None:
    body = next(b for b in SERVER if (c := chosen(b)) is not None and c.group is not None)
    key = (hello := decode_server_hello(body)[0]) and hello.key_share
    assert key
    start = body.rindex(key.length.to_bytes(2, "big")) + 2
    other = body[:2] + bytes(32) + body[34:start] + b"\1" * key.length + body[start + key.length :]

    assert other != body
    assert chosen(other) is chosen(body)


@pytest.mark.slow
@pytest.mark.parametrize("wanted", [1, 2], ids=["ClientHello", "ServerHello"])
def test_hellos_of_real_stacks_tell_the_same(wanted: int) -> None:
    bodies = list(hellos(RECORDED, wanted))

    assert len(bodies) > 300
    for body in bodies:
        check(body)
