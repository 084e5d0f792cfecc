"""An extract tells the same as the capture that it is of, without what was said under TLS."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from analyzer import Connection, UsageError, analyze
from analyzer.extract.extracting import Wish, extract
from analyzer.keys import read_secrets
from analyzer.limits import DEFAULT, Limits
from tests.capture.captures import ethernet, ipv4, pcap
from tests.fuzz.seeds import talk
from tests.support import messages, tiny
from tests.support.shared import shared

SAMPLES = sorted((Path(__file__).parents[2] / "sample_pcaps").glob("*.pcap*"))
RECORDED = Path(__file__).parents[1] / "bench" / "recorded"
KEY = b"k" * 32
SECRET = b"the-quick-secret-of-the-customer"
ALL = Wish(everything=True)
DISGUISED = Wish(everything=True, key=KEY)
_HELLO, _FLIGHT = messages.client_hello(), messages.server_flight()


def told(connections: Sequence[Connection]) -> list[tuple[object, ...]]:
    """What must be the same, in the order of the connections."""
    return [
        (
            one.outcome,
            one.handshake.last_message and one.handshake.last_message.name,
            [(alert.sender, alert.description) for alert in one.handshake.alerts],
            [(message.sender, message.name) for message in one.handshake.messages],
            one.tcp.end,
            one.tls and (one.tls.version, one.tls.resumed),
            one.diagnosis
            and (
                *(one.diagnosis.rule, one.diagnosis.cause, one.diagnosis.phase),
                *(one.diagnosis.failing_side, one.diagnosis.remedy_side, one.diagnosis.confidence),
            ),
        )
        for one in connections
    ]


def check_same(path: Path, wish: Wish) -> bytes:
    """Extract all of a capture and compare what is told; return the extract."""
    made = extract([path], wish)
    before, after = analyze(path).connections, analyze(io.BytesIO(made.data)).connections

    assert all(one.same for one in made.chosen), [one for one in made.chosen if not one.same]
    assert told(after) == told(before)
    return made.data


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("wish", [ALL, DISGUISED], ids=["plain", "disguised"])
def test_a_sample_is_told_as_before(path: Path, wish: Wish) -> None:
    check_same(path, wish)


@pytest.mark.slow
@pytest.mark.parametrize("wish", [ALL, DISGUISED], ids=["plain", "disguised"])
def test_recorded_handshakes_are_told_as_before(wish: Wish) -> None:
    for path in sorted(RECORDED.glob("*.pcap")):
        check_same(path, wish)


@pytest.mark.slow
@pytest.mark.corpus
@pytest.mark.parametrize("wish", [Wish(), Wish(key=KEY)], ids=["plain", "disguised"])
def test_failures_of_the_corpus_are_told_as_before(wish: Wish) -> None:
    seen = 0
    for path in sorted(shared("corpus/tls").iterdir()):
        try:
            made = extract([path], wish)
        except UsageError:
            continue  # nothing failed
        seen += len(made.chosen)
        assert [one for one in made.chosen if not one.same] == []

    assert seen > 300


@pytest.mark.parametrize("name", ["renegotiation", "client-certificate-missing", "aria"])
def test_with_secrets_the_extract_can_be_decrypted(name: str) -> None:
    path = RECORDED.with_name("keyed") / f"{name}.pcap"
    secrets = read_secrets([path.with_suffix(".keys")])
    wish = Wish(everything=True, secrets=True, pcapng=True)
    made = extract([path], wish, secrets=secrets)
    bare = extract([path], ALL, secrets=secrets)

    assert all(one.same for one in made.chosen)
    assert b"CLIENT_" in made.data
    assert b"CLIENT_" not in bare.data


def test_addresses_do_not_go_out_in_disguise() -> None:
    addresses = {bytes([192, 0, 2, 10]), bytes([198, 51, 100, 20])}
    for path in SAMPLES:
        data = extract([path], DISGUISED).data

        assert not [a for a in addresses if a in data], path.name


def test_names_do_not_go_out_in_disguise() -> None:
    capture = tiny.pcap(tiny.rejected("core.bank.example"))
    made = extract([io_file(capture)], DISGUISED)
    (connection,) = analyze(io.BytesIO(made.data)).connections

    assert b"bank" not in made.data
    assert made.disguise is not None
    assert connection.tls is not None
    assert connection.tls.sni == made.disguise.mapping["names"]["core.bank.example"]


def io_file(data: bytes, folder: list[Path] | None = None) -> Path:
    """A capture as a file that is gone when the process ends."""
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".pcap", delete=False) as file:
        file.write(data)
    (folder if folder is not None else _MADE).append(Path(file.name))
    return Path(file.name)


_MADE: list[Path] = []


@pytest.fixture(autouse=True)
def _cleaned() -> Iterator[None]:
    yield
    while _MADE:
        _MADE.pop().unlink()


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(
            talk((True, _HELLO), (False, _FLIGHT), (True, messages.record(23, SECRET * 4))),
            id="application data",
        ),
        pytest.param(
            talk((True, _HELLO), (False, messages.record(24, b"\1\0\x20" + SECRET))), id="heartbeat"
        ),
        pytest.param(
            talk((True, _HELLO), (False, messages.alert(40)), (False, b"500 " + SECRET)),
            id="clear bytes behind TLS",
        ),
        pytest.param(
            talk((True, b"GET /?k=" + SECRET + b" HTTP/1.1\r\nCookie: " + SECRET + b"\r\n\r\n")),
            id="HTTP",
        ),
        pytest.param(talk((False, bytes(20) + SECRET)), id="binary"),
        pytest.param(
            talk(
                *((True, messages.openvpn(7, 0)), (False, messages.openvpn(8, 0))),
                (True, messages.openvpn(4, 1, _HELLO) + messages.openvpn(6, None, SECRET)),
                *((False, messages.openvpn(4, 1, _FLIGHT)), (True, bytes(9) + SECRET)),
            ),
            id="a tunnel of OpenVPN",
        ),
    ],
)
def test_what_was_said_does_not_go_out(frames: list[bytes]) -> None:
    data = extract([io_file(pcap(frames))], ALL).data

    assert SECRET not in data
    assert SECRET[:9] not in data
    assert SECRET in pcap(frames)


def test_only_the_chosen_connections_go_in() -> None:
    capture = io_file(
        tiny.pcap(tiny.refused(40_000), tiny.rejected(port=40_001), tiny.refused(40_002))
    )
    chosen = extract([capture], Wish(streams=frozenset({1})))

    assert [(one.stream, one.there) for one in chosen.chosen] == [(1, 0)]
    assert len(analyze(io.BytesIO(chosen.data)).connections) == 1
    assert [one.stream for one in extract([capture], Wish()).chosen] == [0, 1, 2]


def test_a_diagnosis_that_rests_on_others_takes_them_along() -> None:
    """A server that closes on HTTP without a word: that it speaks TLS show others alone."""
    good = tiny.Talk(client_port=40_001).connect()
    for sender, data in (
        *((0, _HELLO), (1, _FLIGHT), (0, messages.client_flight())),
        *((1, messages.finished()), (0, messages.data())),
    ):
        good.send(sender, tiny.ACK, data)
    bad = (
        tiny.Talk()
        .connect()
        .send(0, tiny.ACK, b"GET / HTTP/1.1\r\n\r\n")
        .send(1, tiny.FIN | tiny.ACK)
    )
    capture = io_file(tiny.pcap(good, bad))
    alone, made = analyze(io_file(tiny.pcap(bad))), extract([capture], Wish())

    assert told(alone.connections) != told(analyze(capture).failed)
    assert made.witnesses == 1
    assert [one.same for one in made.chosen] == [True]


def test_the_end_of_the_capture_stays_where_it_was() -> None:
    """Silence at the end is judged by it: a timeout must not become a capture that stopped."""
    late = tiny.Talk(client_port=45_000, start=tiny.START + 3_600).connect()
    lonely = tiny.Talk(client_port=45_001).send(0, tiny.SYN)
    capture = io_file(tiny.pcap(lonely, late))
    made = extract([capture], Wish(streams=frozenset({0})))
    before, after = analyze(capture).connections[0], analyze(io.BytesIO(made.data)).connections[0]

    assert before.tcp.end == after.tcp.end == "unanswered"


def test_limits_leave_out_what_is_beyond_them_and_say_so() -> None:
    capture = io_file(tiny.pcap(*(tiny.refused(40_000 + number) for number in range(8))))

    assert extract([capture], ALL, limits=Limits(extracted=5)).left_out == 3
    assert extract([capture], ALL, limits=DEFAULT).left_out == 0


def test_a_long_connection_is_cut_and_told_as_before() -> None:
    flights = [(True, _HELLO), (False, _FLIGHT), (True, messages.client_flight())]
    flights += [(False, messages.finished())]
    flights += [(False, messages.record(23, bytes(1_000))) for _ in range(300)]
    capture = io_file(pcap(talk(*flights)))
    made = extract([capture], ALL, limits=Limits(extract_packets=50))

    assert made.packets < 60
    assert [one.same for one in made.chosen] == [True]


def test_an_icmp_error_goes_along() -> None:
    syn = talk()[0]
    error = ethernet(ipv4(struct.pack(">BBHI", 3, 13, 0, 0) + syn[14:], 1))
    capture = io_file(pcap([syn, error, syn]))
    before, after = (
        analyze(source).connections[0]
        for source in (capture, io.BytesIO(extract([capture], ALL).data))
    )

    assert told([after]) == told([before])
    assert before.diagnosis is not None
    assert before.diagnosis.cause == "blocked_by_icmp" or "icmp" in str(before.diagnosis).lower()


# The command


def run(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run ``extract`` as a process."""
    command = [sys.executable, "-m", "analyzer", "extract", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def test_the_command_writes_and_says_what_it_did(tmp_path: Path) -> None:
    (tmp_path / "t.pcap").write_bytes(tiny.pcap(tiny.rejected("core.bank.example")))
    done = run("t.pcap", "-o", "x.pcap", "--anonymise", folder=tmp_path)
    mapping = tmp_path / "x.pcap.mapping.json"

    assert (done.returncode, done.stderr) == (0, "")
    assert "tcp.stream 0 is 0 there" in done.stdout
    assert "1 of 1 are told as before" in done.stdout
    assert mapping.stat().st_mode & 0o777 == 0o600
    assert "core.bank.example" in json.loads(mapping.read_text())["names"]
    assert analyze(tmp_path / "x.pcap").failed


def test_an_earlier_mapping_is_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "t.pcap").write_bytes(tiny.pcap(tiny.rejected("core.bank.example")))
    for name in ("x.pcap", "y.pcap"):
        done = run("t.pcap", "-o", name, "--anonymise", "--mapping", "m.json", folder=tmp_path)
        assert done.returncode == 0

    assert (tmp_path / "x.pcap").read_bytes() == (tmp_path / "y.pcap").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["-", "-o", "x.pcap"], "write it to a file first", id="standard input"),
        pytest.param(["t.pcap", "-o", "t.pcap"], "is one of the inputs", id="itself"),
        pytest.param(
            ["t.pcap", "-o", "x.pcap", "--stream", "7"], "t.pcap: no TCP stream 7", id="number"
        ),
        pytest.param(["t.pcap", "-o", "x.pcap", "--with-secrets"], "pcapng", id="secrets in pcap"),
        pytest.param(
            ["t.pcap", "-o", "x.pcap", "--mapping", "m"], "--anonymise", id="mapping alone"
        ),
        pytest.param(["g.pcap", "-o", "x.pcap"], "no connection failed", id="nothing failed"),
        pytest.param(["t.pcap", "-o", "no/x.pcap"], "no/x.pcap", id="no such folder"),
        pytest.param(
            ["t.pcap", "-o", "x.pcap", "--anonymise", "--mapping", "g.pcap"],
            "no mapping",
            id="other file",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(tmp_path: Path, arguments: list[str], says: str) -> None:
    (tmp_path / "t.pcap").write_bytes(tiny.pcap(tiny.rejected()))
    (tmp_path / "g.pcap").write_bytes(tiny.pcap())
    done = run(*arguments, folder=tmp_path)

    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "x.pcap").exists()
