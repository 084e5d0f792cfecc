"""Staples, log timestamps and delegated credentials are told beside the server's certificate."""

from __future__ import annotations

from dataclasses import replace

from analyzer.report.assemble.vouchers import vouchers_of
from analyzer.report.detail import voucher_lines
from analyzer.tls.message.certificate import CertificateEntry
from analyzer.tls.message.extensions import Extension
from analyzer.tls.registry.code_points import ExtensionType
from analyzer.tls.story import Story
from analyzer.tls.x509.extensions import read_extension
from analyzer.tls.x509.ocsp import Staple
from tests.support import messages as m
from tests.support.stories import CLIENT, established, offered

SECOND = 1_000_000_000
_SCT = b"\0" + bytes(range(32)) + (1_700_000_000_000).to_bytes(8) + b"\0\0\4\3\0\2ok"
LIST = (len(_SCT) + 2).to_bytes(2) + len(_SCT).to_bytes(2) + _SCT
_CREDENTIAL = (7 * 86_400).to_bytes(4) + b"\x08\x07" + b"\0\0\3key" + b"\4\3" + b"\0\2ok"


def with_entry(kind: ExtensionType, body: bytes) -> Story:
    """A story whose server certificate came with an extension (TLS 1.3)."""
    story = established().story()
    chain = story.server_chain
    assert chain is not None
    first, *rest = chain.message.entries
    sent = CertificateEntry(first.der, (Extension(kind, body),))
    message = replace(chain.message, entries=(sent, *rest))
    return replace(story, server_chain=replace(chain, message=message))


def test_a_plain_certificate_has_none() -> None:
    assert vouchers_of(established().story()) is None


def test_a_staple_is_told_with_its_times() -> None:
    staple = Staple(
        "successful",
        "revoked",
        5 * SECOND,
        "key_compromise",
        SECOND,
        9 * SECOND,
        2 * SECOND,
        "CN=r",
    )
    found = vouchers_of(replace(established().story(), staple=staple))

    assert found is not None
    assert found.staple is not None
    assert found.staple.certificate_status == "revoked"
    assert found.staple.revoked_at == "1970-01-01T00:00:05.000000Z"
    assert voucher_lines(found) == ["OCSP staple: revoked, by CN=r, until 1970-01-01"]


def test_timestamps_of_the_handshake_are_told() -> None:
    found = vouchers_of(with_entry(ExtensionType.SIGNED_CERTIFICATE_TIMESTAMP, LIST))

    assert found is not None
    assert [(one.origin, one.time) for one in found.timestamps] == [
        ("handshake", "2023-11-14T22:13:20.000000Z")
    ]
    assert found.timestamps[0].log_id == bytes(range(32)).hex()


def test_those_in_a_server_hello_are_told() -> None:
    hello = m.server_hello(m.extension(18, LIST))
    flight = m.record(m.HANDSHAKE, hello) + m.server_flight()[len(m.record(22, m.server_hello())) :]
    found = vouchers_of(offered().server(flight).ack(CLIENT).story())

    assert found is not None
    assert [one.origin for one in found.timestamps] == ["handshake"]


def test_those_in_a_certificate_are_read() -> None:
    inner = bytes((4, len(LIST))) + LIST
    (stamp,) = read_extension("1.3.6.1.4.1.11129.2.4.2", inner)["timestamps"]

    assert stamp.log_id == bytes(range(32)).hex()


def test_a_delegated_credential_is_told_with_its_end() -> None:
    story = with_entry(ExtensionType.DELEGATED_CREDENTIAL, _CREDENTIAL)
    found = vouchers_of(story)

    assert found is not None
    assert found.delegated_credential is not None
    assert found.delegated_credential.scheme == "ed25519"
    assert story.server_chain is not None
    begin = story.server_chain.certificates[0].not_before or 0
    assert found.delegated_credential.valid_until is not None
    assert found.delegated_credential.valid_until > f"{1970 + begin // (366 * 86_400 * SECOND)}"
    assert voucher_lines(found)[0].startswith("delegated credential: ed25519, until ")


def test_what_is_cut_is_left_out() -> None:
    for size in range(len(_CREDENTIAL)):
        assert (
            vouchers_of(with_entry(ExtensionType.DELEGATED_CREDENTIAL, _CREDENTIAL[:size])) is None
        )
    for size in range(len(LIST)):
        found = vouchers_of(with_entry(ExtensionType.SIGNED_CERTIFICATE_TIMESTAMP, LIST[:size]))
        assert found is None or len(found.timestamps) <= 1
