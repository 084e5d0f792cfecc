"""Every handshake message of every sample, cut at every byte and fed in every split of two.

The same result, or a defect that says where; nothing else comes out of a decoder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from analyzer.errors import Defect
from analyzer.limits import DEFAULT
from analyzer.pipeline import Analysis
from analyzer.tcp.timeline import Side
from analyzer.tls.message.certificate import decode_certificates
from analyzer.tls.message.hello import decode_client_hello, decode_server_hello, extension_defects
from analyzer.tls.message.keyexchange import (
    decode_certificate_request,
    decode_certificate_status,
    decode_server_key_exchange,
)
from analyzer.tls.message.late_messages import (
    decode_encrypted_extensions,
    decode_new_session_ticket,
)
from analyzer.tls.record.records import Record
from analyzer.tls.registry.code_points import ContentType, HandshakeType
from analyzer.tls.registry.suites import CipherSuite
from analyzer.tls.story import Message, Visibility
from analyzer.tls.telling.messages import read_conversation

SAMPLES: Final = Path(__file__).parents[2] / "sample_pcaps"
_TYPES: Final[Mapping[str, int]] = {
    **HandshakeType.__members__,
    "HELLO_RETRY_REQUEST": HandshakeType.SERVER_HELLO,
}
Decoded = tuple[Any, Defect | None]


class Sample(NamedTuple):
    """A message in clear with what is needed to decode it."""

    name: str
    version: str
    suite: int
    body: bytes


@cache
def samples() -> tuple[Sample, ...]:
    """The distinct messages of all samples, the shortest of each kind first."""
    found = {sample for path in sorted(SAMPLES.glob("*.pcap*")) for sample in _of(path)}
    return tuple(sorted(found, key=lambda s: (s.name, s.version, len(s.body), s.body)))


def _of(path: Path) -> Iterator[Sample]:
    for judged in Analysis([path]).judged():
        story = judged.story
        suite = int(story.choice.cipher_suite) if story.choice else 0
        for message in story.messages:
            if _whole(message):
                yield Sample(message.name, story.version or "TLSv1.2", suite, message.body)


def _whole(message: Message) -> bool:
    clear = message.visibility is not Visibility.INFERRED and message.defect is None
    return clear and message.name.upper() in _TYPES and len(message.body) == message.length


def everyday() -> list[Sample]:
    """One message of each kind and version: the shortest."""
    first: dict[tuple[str, str], Sample] = {}
    for sample in samples():
        first.setdefault((sample.name, sample.version), sample)
    return list(first.values())


def decoder(sample: Sample) -> Callable[[bytes], Decoded] | None:
    version = sample.version
    decoders: Mapping[str, Callable[[bytes], Decoded]] = {
        "client_hello": decode_client_hello,
        "server_hello": decode_server_hello,
        "hello_retry_request": decode_server_hello,
        "certificate": lambda body: decode_certificates(body, version),
        "certificate_request": lambda body: decode_certificate_request(body, version),
        "certificate_status": decode_certificate_status,
        "new_session_ticket": lambda body: decode_new_session_ticket(body, version),
        "encrypted_extensions": decode_encrypted_extensions,
        "server_key_exchange": partial(_server_key_exchange, sample),
    }
    return decoders.get(sample.name)


def _server_key_exchange(sample: Sample, body: bytes) -> Decoded:
    return decode_server_key_exchange(body, CipherSuite(sample.suite), sample.version)


def wrong_cuts(sample: Sample) -> list[str]:
    """Cuts of a message that give neither the same result nor a located defect."""
    decode = decoder(sample)
    if decode is None:
        return []
    whole, _ = decode(sample.body)
    wrong = []
    for cut in range(len(sample.body)):
        value, defect = decode(sample.body[:cut])
        if hasattr(value, "extensions") and sample.name.endswith("hello"):
            extension_defects(value)  # bodies that were cut are read as well
        located = defect is not None and 0 <= defect.offset <= cut and bool(defect.field)
        if not located and value != whole and not _legal_end(sample, cut):
            wrong.append(f"{sample.name} {sample.version} cut at {cut}: {value} {defect}")
    return wrong


def _legal_end(sample: Sample, cut: int) -> bool:
    """A hello of TLS 1.2 or less may end before its extensions (RFC 5246 section 7.4.1.2)."""
    decode = decoder(sample)
    if decode is None or not sample.name.startswith(
        ("client_hello", "server_hello", "hello_retry")
    ):
        return False
    hello, _ = decode(sample.body)
    block = sum(4 + len(e.body) for e in hello.extensions) + 2 if hello else 0
    return cut == len(sample.body) - block


def wrong_splits(sample: Sample) -> list[str]:
    """Splits of a message over two records that give another conversation."""
    side = Side.CLIENT if sample.name.startswith("client") else Side.SERVER
    data = bytes((_TYPES[sample.name.upper()],)) + len(sample.body).to_bytes(3) + sample.body
    whole = heard(side, data)
    return [
        f"{sample.name} split at {at}"
        for at in range(1, len(data))
        if heard(side, data[:at], data[at:]) != whole
    ]


def heard(side: Side, *fragments: bytes) -> object:
    """What a conversation of these handshake records holds."""
    records = [
        Record(ContentType.HANDSHAKE, 0x0303, side, data, len(data), 0, 1, 1, 0)
        for data in fragments
    ]
    talk = read_conversation(records, DEFAULT)
    return talk.messages, talk.offers, talk.choice, talk.retry, talk.defects


def test_a_message_of_each_kind_survives_every_cut_and_every_split() -> None:
    chosen = everyday()
    wrong = [text for sample in chosen for text in (*wrong_cuts(sample), *wrong_splits(sample))]

    assert {"client_hello", "server_hello", "certificate"} <= {sample.name for sample in chosen}
    assert wrong == []


@pytest.mark.slow
def test_every_message_of_every_sample_survives_every_cut_and_every_split() -> None:
    wrong = [text for sample in samples() for text in (*wrong_cuts(sample), *wrong_splits(sample))]

    assert len(samples()) > 100
    assert wrong == []
