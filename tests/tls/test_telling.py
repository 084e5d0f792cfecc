"""Whole stories: samples cut after every packet, and cut into segments anew."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dpkt
import pytest

from analyzer import Connection, analyze
from analyzer.limits import DEFAULT
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Milestone
from analyzer.tls.telling.tell import tell
from tests.support import messages as m
from tests.support.stories import CLIENT, SERVER, Scene, closed, offered, used
from tests.support.tiny import ACK, FIN, PSH, Talk, pcap

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"
CLASSIC = sorted(SAMPLES.glob("*.pcap"))
HEALTHY = [path for path in CLASSIC if path.stem.startswith("good_")]


def packets(path: Path) -> list[tuple[float, bytes]]:
    with path.open("rb") as file:
        return [(when, bytes(frame)) for when, frame in dpkt.pcap.Reader(file)]


def told(sent: list[tuple[float, bytes]]) -> list[Connection]:
    """Analyse packets as a capture in memory."""
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
    records = [
        struct.pack("<IIII", int(when), round(when % 1 * 1e6) % 1_000_000, len(f), len(f)) + f
        for when, f in sent
    ]
    return list(analyze(io.BytesIO(head + b"".join(records))).connections)


@pytest.mark.parametrize("path", HEALTHY, ids=lambda path: path.stem)
def test_a_healthy_connection_cut_anywhere_is_never_called_failed(path: Path) -> None:
    sent = packets(path)
    failed = {
        cut: connection.diagnosis.title
        for cut in range(1, len(sent))
        for connection in told(sent[:cut])
        if connection.outcome == "failed" and connection.diagnosis
    }

    assert failed == {}


@pytest.mark.parametrize("path", HEALTHY, ids=lambda path: path.stem)
def test_a_healthy_connection_that_begins_anywhere_is_never_called_failed(path: Path) -> None:
    sent = packets(path)
    failed = {
        cut: connection.diagnosis.title
        for cut in range(1, len(sent))
        for connection in told(sent[cut:])
        if connection.outcome == "failed" and connection.diagnosis
    }

    assert failed == {}


@pytest.mark.parametrize("path", CLASSIC, ids=lambda path: path.stem)
def test_no_cut_makes_a_rule_stumble(path: Path) -> None:
    sent = packets(path)
    stumbles = [
        finding.explanation
        for cut in range(1, len(sent), max(1, len(sent) // 12))
        for connection in [*told(sent[:cut]), *told(sent[cut:])]
        for finding in connection.findings
        if finding.cause == "internal_error"
    ]

    assert stumbles == []


def split(sent: list[tuple[float, bytes]], size: int) -> Iterator[tuple[float, bytes]]:
    """The same bytes in segments of at most ``size``."""
    for when, raw in sent:
        frame = dpkt.ethernet.Ethernet(raw)
        tcp = frame.data.data
        if not isinstance(tcp, dpkt.tcp.TCP) or not tcp.data:
            yield when, raw
            continue
        data, base = bytes(tcp.data), tcp.seq
        for begin in range(0, len(data), size):
            tcp.data = data[begin : begin + size]
            tcp.seq = (base + begin) % 2**32
            frame.data.len = 20 + len(bytes(tcp))
            frame.data.sum = tcp.sum = 0
            yield when, bytes(frame)


def facts(connections: list[Connection]) -> object:
    """What must not depend on how bytes were cut into segments."""
    return [
        (
            c.outcome,
            c.diagnosis and (c.diagnosis.rule, c.diagnosis.cause, c.diagnosis.phase),
            c.handshake.signature,
            [(m.name, m.sender, m.length) for m in c.handshake.messages],
            c.tls,
        )
        for c in connections
    ]


def without_frames(connections: list[Connection]) -> object:
    """The facts, with the frame numbers inside the offers taken out."""
    text = json.dumps(facts(connections), default=_plain, sort_keys=True)
    return list(json.loads(text, object_hook=_frameless))


def _plain(value: object) -> object:
    return {name: getattr(value, name) for name in value.__struct_fields__}  # type: ignore[attr-defined]


def _frameless(value: dict[str, object]) -> dict[str, object]:
    return {key: entry for key, entry in value.items() if key != "frame"}


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("path", CLASSIC, ids=lambda path: path.stem)
def test_the_story_does_not_depend_on_segments(path: Path, size: int) -> None:
    if path.stem in {"mtu_black_hole", "capture_ended", "capture_one_sided"}:
        pytest.skip("what is told there depends on the size of packets")
    sent = packets(path)

    assert without_frames(told(list(split(sent, size)))) == without_frames(told(sent))


def test_a_client_that_did_not_open_the_connection_is_marked_in_the_signature() -> None:
    """As on the data connections of FTP (RFC 4217 section 12)."""
    hello, answer = m.client_hello(), m.server_flight()
    story = Scene().connect().server(hello).client(answer).story()

    assert story.signature == "^Csxkn"
    assert story.server.port == Scene().connect().story().client.port


def _in_small_records(flight: bytes, size: int) -> bytes:
    """The same handshake messages in records of at most ``size`` bytes (RFC 8449)."""
    pieces = (flight[at : at + size] for at in range(0, len(flight), size))
    return b"".join(m.record(m.HANDSHAKE, piece) for piece in pieces)


def _established_in_small_records(padding: int, size: int) -> Scene:
    big = m.message(22, bytes(padding))  # a long CertificateStatus stands for any long message
    hello, *rest = (m.server_hello(), m.certificate(*m.server_ders()), big)
    flight = b"".join((hello, *rest, m.server_key_exchange(), m.message(14, b"")))
    scene = offered().server(_in_small_records(flight, size)).ack(CLIENT)
    scene.client(m.client_flight()).ack(SERVER).server(m.finished()).ack(CLIENT)
    return closed(used(scene))


def test_a_long_flight_in_small_records_is_read_to_its_end() -> None:
    story = _established_in_small_records(60_000, 64).story()

    assert story.completed
    assert story.caveats == ()


def test_records_beyond_the_limit_leave_the_outcome_open_and_are_told() -> None:
    scene = _established_in_small_records(60_000, 64)
    story = tell(scene.evidence(), scene.time, replace(DEFAULT, records=100))

    assert story.completed is None
    assert "the limit records was reached: later records were not read" in story.caveats


@pytest.mark.parametrize("side", [CLIENT, SERVER])
def test_a_goodbye_in_the_segment_that_completes_the_handshake_is_no_end_of_it(side: Side) -> None:
    """As of a client that resumes a session and leaves, where its segments were swapped or joined."""
    scene = offered()
    if side is CLIENT:  # of two Finished the client's is the last where a session is resumed
        scene.server(m.record(m.HANDSHAKE, m.server_hello()) + m.finished()).ack(CLIENT)
    else:
        scene.server(m.server_flight()).ack(CLIENT).client(m.client_flight()).ack(SERVER)
    story = scene.say(side, m.finished() + m.sealed_alert()).fin(side).story()

    assert story.completed


@pytest.mark.parametrize("early", [20, 300])
def test_early_data_before_a_retry_does_not_hide_what_follows(early: int) -> None:
    """The second hello must not offer it any more (RFC 8446 section 4.2.10)."""
    first, second = m.client_hello_13(m.extension(42, b"")), m.client_hello_13()
    retry, hello = (
        m.record(m.HANDSHAKE, x) for x in (m.hello_retry_request(), m.server_hello_13())
    )
    scene = offered(first + m.switch() + m.sealed(early)).server(retry, m.switch()).ack(CLIENT)
    scene.client(second).server(hello, m.sealed(6, 900, 79, m.FINISHED_13)).ack(CLIENT)
    scene.client(m.sealed(m.FINISHED_13)).server(m.sealed(65), m.sealed(65)).ack(CLIENT)
    story = scene.client(m.sealed(2)).fin(CLIENT).fin(SERVER).story()

    assert story.completed
    assert Milestone.CLIENT_CERTIFICATE not in story.milestones


def test_a_segment_that_is_missing_in_a_long_flight_makes_no_failure() -> None:
    """Behind the loss, records cannot be followed, and most of the flight is taken for data."""
    long_message = m.message(22, bytes(range(256)) * 300)
    messages = (m.server_hello(), m.certificate(*m.server_ders()), long_message)
    flight = b"".join((*messages, m.server_key_exchange(), m.HELLO_DONE))
    records = _in_small_records(flight, 16_384)
    parts = [records[at : at + 1448] for at in range(0, len(records), 1448)]
    failed = []
    for lost in range(1, len(parts), 7):
        talk = Talk().connect().send(0, PSH | ACK, m.client_hello())
        for part in parts:
            talk.send(1, ACK, part).send(0, ACK)
        talk.send(0, PSH | ACK, m.client_flight()).send(1, PSH | ACK, m.finished())
        talk.send(0, PSH | ACK, m.data()).send(1, PSH | ACK, m.data(900)).send(0, ACK)
        talk.send(1, PSH | ACK, m.sealed_alert()).send(1, FIN | ACK).send(0, FIN | ACK)
        del talk.packets[4 + 2 * lost]
        (connection,) = analyze(io.BytesIO(pcap(talk))).connections
        if connection.outcome == "failed":
            failed.append((lost, connection.diagnosis and connection.diagnosis.cause))

    assert failed == []
