"""Messages after ServerHello: EncryptedExtensions, tickets, NPN's answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tls.message.late_messages import (
    NewSessionTicket,
    decode_encrypted_extensions,
    decode_new_session_ticket,
    decode_next_protocol,
)
from analyzer.tls.registry.keys import NamedGroup

EXTENSIONS = bytes.fromhex("0019 0000 0000 000a 0004 0002 001d 0010 0005 0003 02 6832 002a 0000")


def test_encrypted_extensions() -> None:
    found, defect = decode_encrypted_extensions(EXTENSIONS)

    assert defect is None
    assert found.alpn == "h2"
    assert found.server_name_acknowledged
    assert found.early_data_accepted
    assert found.supported_groups == (NamedGroup.x25519,)
    assert not found.ech_rejected
    assert [int(kind) for kind in found.extension_types] == [0, 10, 16, 42]


@pytest.mark.parametrize(
    ("wire", "version", "ticket"),
    [
        ("00001c20 0003 010203", "TLSv1.2", NewSessionTicket(7200, 3)),
        ("00001c20 aabbccdd 01 00 0003 010203 0000", "TLSv1.3", NewSessionTicket(7200, 3)),
        (
            *("00001c20 aabbccdd 01 00 0001 ff 0008 002a 0004 00004000", "TLSv1.3"),
            NewSessionTicket(7200, 1, 0x4000),
        ),
    ],
)
def test_tickets_whole_and_cut(wire: str, version: str, ticket: NewSessionTicket) -> None:
    body = bytes.fromhex(wire)
    assert decode_new_session_ticket(body, version) == (ticket, None)
    for kept in range(len(body)):
        found, defect = decode_new_session_ticket(body[:kept], version)
        assert defect is not None or found == NewSessionTicket(7200, ticket.ticket_length)


def test_the_answer_to_npn() -> None:
    assert decode_next_protocol(bytes.fromhex("02 6832 03 000000")) == ("h2", None)


@given(st.binary(max_size=60))
def test_any_bytes_give_a_value_or_a_defect(data: bytes) -> None:
    found, _ = decode_encrypted_extensions(data)
    assert found.alpn is None or found.alpn.isprintable()
    for version in ("TLSv1.2", "TLSv1.3"):
        ticket, defect = decode_new_session_ticket(data, version)
        assert ticket is not None or defect is not None
    decode_next_protocol(data)
