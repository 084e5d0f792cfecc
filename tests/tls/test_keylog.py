"""Key logs: every form of line, what is no line, and that nothing of it is ever shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.limits import Limits
from analyzer.tls.decryption.keylog import MASTER, PREMASTER, Secrets

RANDOM, MASTER_SECRET = bytes(range(32)), b"\xa7" * 48
LINE = b"CLIENT_RANDOM " + RANDOM.hex().encode() + b" " + MASTER_SECRET.hex().encode()


def read(*lines: bytes) -> Secrets:
    secrets = Secrets()
    secrets.add_key_log("keys.log", lines)
    return secrets


def test_a_master_secret_is_found_by_client_random() -> None:
    secrets = read(b"# a comment", b"", LINE + b"\r\n")

    assert secrets.find(RANDOM) == {MASTER: MASTER_SECRET}
    assert secrets.complaints() == ()


def test_the_secrets_of_tls_1_3_come_together_by_label() -> None:
    labels = [
        f"{side}_{name}".encode()
        for side in ("CLIENT", "SERVER")
        for name in ("HANDSHAKE_TRAFFIC_SECRET", "TRAFFIC_SECRET_0")
    ]
    lines = [b" ".join((label, RANDOM.hex().encode(), b"11" * 32)) for label in labels]

    assert sorted(read(*lines).find(RANDOM)) == sorted(label.decode() for label in labels)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"EXPORTER_SECRET " + b"00" * 32 + b" " + b"11" * 32, id="exporter"),
        pytest.param(b"CLIENT_TRAFFIC_SECRET_1 " + b"00" * 32 + b" " + b"11" * 32, id="later"),
        pytest.param(b"ECH_SECRET " + b"00" * 32 + b" " + b"11" * 32, id="ECH"),
        pytest.param(
            b"QUIC_CLIENT_HANDSHAKE_TRAFFIC_SECRET " + b"00" * 32 + b" " + b"11" * 32, id="QUIC"
        ),
    ],
)
def test_labels_that_are_not_needed_are_no_mistake(line: bytes) -> None:
    assert read(line, LINE).find(RANDOM)
    assert not any("line" in text for text in read(line, LINE).complaints())


def test_a_premaster_secret_is_found_by_what_it_was_encrypted_to() -> None:
    encrypted = bytes(range(100, 228))
    secrets = read(b"RSA " + encrypted[:8].hex().encode() + b" " + b"0303" + b"22" * 46)

    assert secrets.premaster(encrypted) == b"\x03\x03" + b"\x22" * 46
    assert secrets.premaster(b"\0" * 128) is None


def test_java_agents_name_the_session() -> None:
    secrets = read(b"RSA Session-ID:0a0b Master-Key:" + MASTER_SECRET.hex().encode())

    assert secrets.recall(b"\x0a\x0b") == MASTER_SECRET


def test_older_programs_log_the_premaster_secret_by_client_random() -> None:
    line = b"PMS_CLIENT_RANDOM " + RANDOM.hex().encode() + b" " + b"33" * 32

    assert read(line).find(RANDOM) == {PREMASTER: b"\x33" * 32}


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"nonsense", id="no fields"),
        pytest.param(b"CLIENT_RANDOM zz 11", id="not hexadecimal"),
        pytest.param(LINE[:-1], id="half a byte"),
        pytest.param(LINE[:-2], id="secret too short"),
        pytest.param(LINE.replace(RANDOM.hex().encode(), b"00" * 31), id="random too short"),
        pytest.param(LINE + b" more", id="a field too many"),
        pytest.param(b"\xff\xfe\0C", id="another encoding"),
        pytest.param(b"A " + b"0" * 100_000 + b" 00", id="endless"),
    ],
)
def test_what_is_no_line_is_counted_and_not_quoted(line: bytes) -> None:
    (sentence,) = [text for text in read(line, LINE, line).complaints() if "not" in text]
    held = read(LINE, line)
    held.find(RANDOM)

    assert sentence.startswith("keys.log: line 1 and 1 more are not lines of a key log")
    assert held.complaints() == ("keys.log: line 2 is not a line of a key log.",)


def test_secrets_that_serve_no_connection_are_told() -> None:
    (sentence,) = read(LINE).complaints()

    assert "none of its secrets belongs to a connection of this capture" in sentence
    assert read(b"# empty").complaints() == (
        "keys.log: it holds no secret that could decrypt a connection.",
    )


def test_the_number_of_sessions_is_bounded_and_the_bound_is_told() -> None:
    secrets = Secrets(Limits(secrets=3))
    randoms = [bytes([number]) * 32 for number in range(9)]
    secrets.add_key_log(
        "keys.log", [LINE.replace(RANDOM.hex().encode(), r.hex().encode()) for r in randoms]
    )

    assert [bool(secrets.find(random)) for random in randoms] == [False] * 6 + [True] * 3
    assert any("limit secrets" in text for text in secrets.complaints())


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_any_bytes_are_read_and_never_shown(lines: list[bytes]) -> None:
    secrets = read(*lines, LINE)
    shown = repr(secrets) + "".join(secrets.complaints())

    assert secrets.find(RANDOM)
    assert MASTER_SECRET.hex() not in shown
    assert "a7a7" not in shown
