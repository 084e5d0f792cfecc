"""Versions and forms off the main road: SSL 2.0, TLCP, drafts of TLS 1.3, raw public keys, ECH."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from analyzer.tcp.timeline import Side
from analyzer.tls.decryption.decrypt import Decryptor
from analyzer.tls.decryption.keylog import Secrets
from analyzer.tls.message.server_hello import decode_server_hello
from analyzer.tls.story import Message, Visibility
from analyzer.tls.telling.chains import read_chains
from analyzer.tls.telling.conversation import Conversation
from tests.support import messages as m
from tests.support.stories import Scene
from tests.tls.certificates import chain


def v2(body: bytes) -> bytes:
    """A record of SSL 2.0 with a header of two bytes."""
    return (0x8000 | len(body)).to_bytes(2) + body


TRIPLE_DES, RC4 = b"\x07\0\xc0", b"\x01\0\x80"


def v2_hello(version: int = 2, suites: bytes = TRIPLE_DES + RC4) -> bytes:
    lengths = b"".join(size.to_bytes(2) for size in (len(suites), 0, 16))
    return v2(b"\x01" + version.to_bytes(2) + lengths + suites + bytes(16))


def v2_answer(certificate: bytes) -> bytes:
    suites = TRIPLE_DES + RC4
    lengths = b"".join(size.to_bytes(2) for size in (len(certificate), len(suites), 16))
    return v2(b"\x04\0\x01\0\x02" + lengths + certificate + suites + bytes(16))


def v2_talk() -> Scene:
    leaf = chain()[0].der
    key = v2(b"\x02" + RC4 + bytes(6) + bytes(8))
    return Scene().connect().client(v2_hello()).server(v2_answer(leaf)).client(key)


def test_an_ssl_2_handshake_is_told_to_its_end() -> None:
    told = v2_talk().server(v2(bytes(33))).client(v2(bytes(33))).server(v2(bytes(33)))
    story = told.client(v2(bytes(40))).server(v2(bytes(40))).story()

    assert (story.version, story.cipher_suite) == ("SSLv2", "SSL_CK_RC4_128_WITH_MD5")
    assert story.signature == "CsG"
    assert story.completed
    assert story.resumed is False
    assert story.server_chain is not None
    assert story.server_chain.message.ders == (chain()[0].der,)


def test_an_ssl_2_handshake_that_stops_is_not_completed() -> None:
    assert v2_talk().fin(Side.SERVER).story().completed is False


def test_a_v2_hello_that_is_answered_in_tls_leads_to_tls() -> None:
    suites = b"\0\xc0\x2f" + TRIPLE_DES
    told = Scene().connect().client(v2_hello(0x0303, suites)).server(m.server_flight())
    story = told.client(m.client_flight()).server(m.finished()).story()

    assert story.signature == "CsxknGIi"
    assert story.version == "TLSv1.2"


TLCP = 0x0101


def as_tlcp(data: bytes) -> bytes:
    """The same records and hello in the version numbers of TLCP."""
    return data[:1] + TLCP.to_bytes(2) + data[3:9] + TLCP.to_bytes(2) + data[11:]


def test_tlcp_is_told_by_its_name() -> None:
    hello = m.client_hello(suites=(0xE013, 0xE011))
    answer = m.record(22, m.server_hello(suite=0xE013))
    story = Scene().connect().client(as_tlcp(hello)).server(as_tlcp(answer)).story()

    assert story.signature == "Cs"
    assert (story.version, story.cipher_suite) == ("TLCP", "ECC_SM4_CBC_SM3")


@pytest.mark.parametrize(
    ("number", "name"),
    [(0x7F17, "TLSv1.3-draft23"), (0x7F1C, "TLSv1.3-draft28"), (0xFB1A, "TLSv1.3-fb26")],
)
def test_a_draft_of_tls_13_is_told_like_tls_13(number: int, name: str) -> None:
    chosen = m.server_hello_13().replace(
        b"\0\x2b\0\x02\x03\x04", b"\0\x2b\0\x02" + number.to_bytes(2)
    )
    told = Scene().connect().client(m.client_hello_13())
    told = told.server(m.record(22, chosen), m.sealed(23, 900, 264, 36))
    story = told.client(m.sealed(36)).story()

    assert story.version == name
    assert story.tls13


def test_a_raw_public_key_is_no_damaged_certificate() -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    key = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    shown = m.record(22, m.message(11, len(key).to_bytes(3) + key))
    answer = m.record(22, m.server_hello(m.extension(20, b"\x02")))
    story = Scene().connect().client(m.client_hello()).server(answer, shown).story()

    assert story.signature == "Csx"
    assert story.server_chain is not None
    assert story.server_chain.message.raw_public_key
    assert story.server_chain.message.ders == (key,)
    assert story.server_chain.certificates == ()


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"\0\0\x01\0\x01\x07\0\x20" + bytes(32) + b"\0\x10" + bytes(16), "outer"),
        (b"\x01", "inner"),
    ],
)
def test_both_forms_of_encrypted_client_hello_are_recognised(body: bytes, form: str) -> None:
    story = Scene().connect().client(m.client_hello_13(m.extension(65037, body))).story()

    assert story.offer is not None
    assert story.offer.ech_form == form


@pytest.mark.parametrize(("algorithm", "name"), [(2, "brotli"), (3, "zstd")])
def test_a_certificate_whose_compression_is_not_undone_is_named_with_the_reason(
    algorithm: int, name: str
) -> None:
    packed = algorithm.to_bytes(2) + (900).to_bytes(3) + (4).to_bytes(3) + bytes(4)
    shown = m.record(22, m.server_hello()) + m.record(22, m.message(25, packed))
    story = Scene().connect().client(m.client_hello()).server(shown).story()

    assert any(name in caveat and "compressed" in caveat for caveat in story.caveats)
    assert story.server_chain is not None
    assert not story.server_chain.message.empty


def test_a_raw_public_key_is_none_in_tls13_either_where_keys_show_what_was_agreed() -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    key = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    agreed = m.extension(20, b"\x02")
    shown = b"\0" + (len(key) + 5).to_bytes(3) + len(key).to_bytes(3) + key + b"\0\0"
    choice, _ = decode_server_hello(m.server_hello_13()[4:])
    talk = Conversation(choice=choice, tls13=True, decryptor=Decryptor(Secrets()))
    for frame, (name, body) in enumerate(
        (("encrypted_extensions", len(agreed).to_bytes(2) + agreed), ("certificate", shown)), 5
    ):
        opened = Visibility.DECRYPTED
        talk.messages.append(
            Message(name, "", Side.SERVER, frame, frame, 0, len(body), body, opened)
        )
    chain = read_chains(talk).server

    assert chain is not None
    assert chain.message.raw_public_key
    assert chain.certificates == ()
