"""Real handshakes of every cipher and turn, opened with the keys that their clients logged."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import dpkt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analyzer.judging import Judged
from analyzer.keys import read_secrets
from analyzer.limits import Limits
from analyzer.pipeline import Analysis
from analyzer.report.machine import render_json
from analyzer.tcp.timeline import Side
from analyzer.tls.decryption.keylog import Secrets
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Milestone, Story, Visibility
from analyzer.tls.telling.proof import possession

KEYED = Path(__file__).parents[1] / "bench" / "keyed"
CASES = sorted(path.stem for path in KEYED.glob("*.pcap"))
OPENED = [name for name in CASES if name != "aria"]


def secrets_of(name: str, keep: Callable[[bytes], bool] = lambda _: True) -> Secrets:
    """The secrets of a case, or those lines that are to be kept."""
    log = KEYED / f"{name}.keys"
    if not log.exists():
        return with_server_key()
    secrets = Secrets()
    lines = log.read_bytes().splitlines()
    secrets.add_key_log(name, [line for line in lines if keep(line)])
    return secrets


def with_server_key() -> Secrets:
    """The key of the server that all cases had."""
    secrets = read_secrets([], [KEYED / "server.pem"])
    assert secrets is not None
    return secrets


def stories(name: str, secrets: Secrets | None = None) -> list[Story]:
    """The stories of a case, with all its secrets where none are given."""
    analysis = Analysis([KEYED / f"{name}.pcap"], secrets=secrets or secrets_of(name))
    return [judged.story for judged in analysis.judged()]


def test_there_is_a_capture_of_every_family() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize("name", OPENED)
def test_nothing_of_a_handshake_stays_hidden(name: str) -> None:
    for story in stories(name):
        hidden = [m.name for m in story.messages if m.visibility is Visibility.INFERRED]
        finished = [m.sender for m in story.messages if m.name == "finished"]

        assert [each for each in hidden if each != "application_data"] == []
        assert {Side.CLIENT, Side.SERVER} == set(finished)
        assert not story.blind_to("server_certificate", "client_certificate", "alerts")
        assert all(alert.description is not None for alert in story.alerts)
        assert story.caveats == ()


# In Zeek's letters; what was decrypted has its letter like what was in clear.
@pytest.mark.parametrize(
    ("name", "signatures"),
    [
        ("tls12-aes-128-gcm", ["CsxkrnXGIFtifLl"]),
        ("tls13-aes-128-gcm", ["CsiIorxyfXFttLl"]),
        ("client-certificate", ["CsiorxyfIXYFttLl"]),
        ("client-certificate-missing", ["CsiorxyfIXFl"]),
        ("key-update", ["CsioxyfIFttPPLpl"]),
        ("renegotiation", ["CsxknGIFtifCsxknGIFtifLl"]),
        ("retry", ["CjiICsoxyfFLttl"]),
        ("ticket", ["CsxknGIFtifLl", "CsifIFLl"]),
        ("session-id", ["CsxknGIFifLl", "CsifIFLl"]),
        ("psk", ["CsioxyfIFttLl", "CsiofIFLtl"]),
        ("early-data", ["CsioxyfIFttLl", "CIsiofEFtLl"]),
        ("early-data-refused", ["CjiICsoxyfFttLl", "CIjiCsofFtLl"]),
    ],
)
def test_the_turns_of_a_connection_can_be_read(name: str, signatures: list[str]) -> None:
    told = [story.signature for story in stories(name)]

    assert [sorted(word) for word in told] == [sorted(word) for word in signatures]
    assert told == signatures


def test_without_keys_the_same_handshake_is_inferred() -> None:
    (story,) = [j.story for j in Analysis([KEYED / "tls13-aes-128-gcm.pcap"]).judged()]

    assert not [m for m in story.messages if m.visibility is Visibility.DECRYPTED]
    assert story.blind_to("server_certificate", "client_certificate", "alerts")


def test_certificates_of_tls_1_3_reach_the_story() -> None:
    (story,) = stories("client-certificate")

    assert story.server_chain is not None
    assert story.server_chain.leaf is not None
    assert story.client_chain is not None
    assert story.client_chain.leaf == story.server_chain.leaf  # the bench uses one for both
    assert story.certificate_request is not None


def test_a_missing_client_certificate_is_seen_and_so_is_the_alert() -> None:
    (judged,) = Analysis(
        [KEYED / "client-certificate-missing.pcap"],
        secrets=secrets_of("client-certificate-missing"),
    ).judged()
    headline = judged.diagnosis.headline

    assert judged.story.completed is False
    assert Milestone.CLIENT_CERTIFICATE_EMPTY in judged.story.milestones
    assert judged.story.ending.alert is not None
    assert judged.story.ending.alert.description is AlertDescription.CERTIFICATE_REQUIRED
    assert headline is not None
    assert (headline.cause, headline.confidence.value) == ("client_cert_missing", "seen")


def test_application_data_is_never_kept() -> None:
    for name in CASES:
        for story in stories(name):
            for message in story.messages:
                assert message.name != "application_data" or message.body == b""
                assert b"HTTP/1" not in message.body
                assert b"early hello" not in message.body


@pytest.mark.parametrize(
    "name", [name for name in CASES if name.startswith("rsa-")], ids=lambda name: name
)
def test_the_servers_key_opens_rsa_key_exchange(name: str) -> None:
    analysis = Analysis([KEYED / f"{name}.pcap"], secrets=with_server_key())
    told = [judged.story.signature for judged in analysis.judged()]

    assert told == [story.signature for story in stories(name)]
    assert analysis.complaints == ()


def test_the_servers_key_opens_no_ephemeral_exchange_and_the_story_says_so() -> None:
    (story,) = stories("tls12-aes-128-gcm", with_server_key())

    assert [caveat for caveat in story.caveats if "only a key log" in caveat]
    assert "F" not in story.signature


def test_one_sides_secrets_open_that_side() -> None:
    (story,) = stories(
        "client-certificate",
        secrets_of("client-certificate", lambda line: line.startswith(b"SERVER_")),
    )

    assert story.server_chain is not None
    assert story.certificate_request is not None
    assert story.client_chain is None
    assert story.milestones[Milestone.SERVER_FLIGHT].visibility is Visibility.DECRYPTED
    assert story.milestones[Milestone.CLIENT_FINISHED].visibility is Visibility.INFERRED
    assert story.completed
    assert story.blind_to("server_certificate", "client_certificate") == {"client_certificate"}


def test_secrets_of_the_handshake_alone_open_the_handshake_alone() -> None:
    (story,) = stories(
        "key-update", secrets_of("key-update", lambda line: b"_HANDSHAKE_TRAFFIC" in line)
    )

    assert story.signature == "CsioxyfIF"
    assert story.completed
    assert story.blind_to("alerts")


def test_the_master_secret_of_a_session_serves_where_it_is_resumed() -> None:
    """Only the first connection of the two is in the log; both are opened."""
    first = [True]

    def keep(line: bytes) -> bool:
        if not line.startswith(b"CLIENT_RANDOM"):
            return False
        kept, first[0] = first[0], False
        return kept

    for name in ("ticket", "session-id"):
        first[0] = True

        assert [s.signature for s in stories(name, secrets_of(name, keep))] == [
            s.signature for s in stories(name)
        ]


@pytest.mark.parametrize("name", ["tls12-aes-128-gcm", "tls10-3des-cbc", "tls13-aes-128-gcm"])
def test_secrets_that_do_not_fit_are_told(name: str) -> None:
    secrets = Secrets()
    for line in (KEYED / f"{name}.keys").read_bytes().splitlines():
        if line.startswith((b"CLIENT", b"SERVER")):
            label, random, secret = line.split()
            secrets.add_key_log(name, [b" ".join((label, random, b"5a" * (len(secret) // 2)))])
    (story,) = stories(name, secrets)

    assert story.caveats == ("the keys given for this connection do not open its records",)
    assert not [m for m in story.messages if m.visibility is Visibility.DECRYPTED]
    assert story.completed  # as without keys


def test_a_suite_that_cannot_be_decrypted_is_told() -> None:
    (story,) = stories("aria")

    assert [caveat for caveat in story.caveats if "ARIA" in caveat]


def test_a_connection_that_the_log_does_not_know_is_told() -> None:
    (story,) = stories("tls13-aes-128-gcm", secrets_of("tls13-aes-256-gcm"))

    assert story.caveats == ("the key log has no secret of this connection",)


def packets(name: str) -> list[tuple[float, bytes]]:
    with (KEYED / f"{name}.pcap").open("rb") as file:
        return [(when, bytes(frame)) for when, frame in dpkt.pcap.Reader(file)]


def told(name: str, sent: list[tuple[float, bytes]], limits: Limits | None = None) -> list[Story]:
    """The stories of packets of a case."""
    return [judged.story for judged in judged_of(name, sent, limits)]


def judged_of(
    name: str, sent: list[tuple[float, bytes]], limits: Limits | None = None
) -> list[Judged]:
    """The stories of packets of a case, with what the rules say."""
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
    records = [
        struct.pack("<IIII", int(when), round(when % 1 * 1e6) % 1_000_000, len(f), len(f)) + f
        for when, f in sent
    ]
    file = io.BytesIO(head + b"".join(records))
    analysis = Analysis([file], limits=limits or Limits(), secrets=secrets_of(name))
    return list(analysis.judged())


TURNS = ("client-certificate", "key-update", "renegotiation", "early-data", "tls10-3des-cbc")


@pytest.mark.parametrize("name", TURNS)
def test_a_capture_that_ends_anywhere_decrypts_what_it_holds(name: str) -> None:
    sent = packets(name)
    whole = "".join(story.signature for story in told(name, sent))
    for cut in range(1, len(sent)):
        for story in told(name, sent[:cut]):
            assert story.signature in whole
            assert story.completed is not False or story.hidden or not story.is_tls


@pytest.mark.parametrize("name", ["key-update", "client-certificate", "tls10-3des-cbc"])
def test_behind_a_lost_packet_decryption_finds_its_feet_again(name: str) -> None:
    """Every packet with payload is left out in turn; the close_notify at the end is still read."""
    sent = packets(name)
    found = 0
    lost = [at for at, (_, frame) in enumerate(sent) if len(frame) > 60]
    for at in lost[1:]:
        (story,) = told(name, [*sent[:at], *sent[at + 1 :]])
        found += any(a.description is AlertDescription.CLOSE_NOTIFY for a in story.alerts)

    assert found * 2 >= len(lost)


def changed(name: str, at: int) -> Story:
    """The story where the last byte of a packet was changed on its way."""
    sent = packets(name)
    when, frame = sent[at]
    sent[at] = (when, frame[:-1] + bytes([frame[-1] ^ 1]))
    (story,) = told(name, sent)
    return story


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("key-update", Side.SERVER),
        ("tls12-aes-128-gcm", Side.CLIENT),
        ("tls12-aes-128-gcm", Side.SERVER),
        ("tls10-3des-cbc", Side.CLIENT),
    ],
)
def test_a_changed_record_is_told_apart_from_a_wrong_key(name: str, side: Side) -> None:
    whole = told(name, packets(name))[0]
    first = next(
        message.frame
        for message in whole.messages
        if message.sender is side and message.visibility is Visibility.DECRYPTED
    )
    story = changed(name, first - 1)
    damaged = [(d.field, at) for what, d, at in story.defects if what == "protected_record"]

    assert [field for field, _ in damaged] == [f"{side.value}.record"]
    assert any(m.frame >= damaged[0][1] and m.sender is side for m in story.messages)
    assert not [defect for defect in whole.defects if defect[0] == "protected_record"]


def test_keys_show_which_record_was_tampered_with() -> None:
    path = KEYED.parent / "recorded" / "tampered-openssl-openssl-tls13.pcap"
    secrets = read_secrets([path.with_suffix(".keys")])
    (judged,) = Analysis([path], secrets=secrets).judged()
    headline = judged.diagnosis.headline

    assert headline is not None
    assert (headline.cause, headline.confidence.value) == ("tampered", "seen")
    assert "does not verify although the keys open" in headline.evidence[0].text


SIGNED = [
    pytest.param("client-certificate", Side.SERVER, id="server"),
    pytest.param("client-certificate", Side.CLIENT, id="client"),
    pytest.param("retry", Side.SERVER, id="after a retry"),
]


def story_of(name: str) -> Story:
    path = KEYED / f"{name}.pcap"
    (judged, *_) = Analysis([path], secrets=read_secrets([path.with_suffix(".keys")])).judged()
    return judged.story


@pytest.mark.parametrize(("name", "side"), SIGNED)
def test_keys_show_that_a_side_holds_its_key(name: str, side: Side) -> None:
    found = possession(story_of(name), side)

    assert found is not None
    assert found[0]


@pytest.mark.parametrize(("name", "side"), SIGNED)
def test_a_message_that_was_changed_breaks_the_proof(name: str, side: Side) -> None:
    story = story_of(name)
    hello = next(m for m in story.messages if m.name == "encrypted_extensions")
    others = tuple(
        m._replace(body=m.body[:-1] + bytes([m.body[-1] ^ 1])) if m is hello else m
        for m in story.messages
    )
    found = possession(replace(story, messages=others), side)

    assert found is not None
    assert not found[0]


@pytest.mark.parametrize(("name", "side"), SIGNED)
def test_a_message_that_is_missing_proves_nothing(name: str, side: Side) -> None:
    story = story_of(name)
    others = tuple(m for m in story.messages if m.name != "encrypted_extensions")

    assert possession(replace(story, messages=others), side) is None


def test_a_record_that_was_changed_proves_nothing_of_signatures() -> None:
    path = KEYED.parent / "recorded" / "tampered-openssl-openssl-tls13.pcap"
    (judged,) = Analysis([path], secrets=read_secrets([path.with_suffix(".keys")])).judged()

    assert possession(judged.story, Side.SERVER) is None


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(TURNS),
    st.lists(st.tuples(st.integers(0), st.integers(0), st.integers(1, 255)), max_size=6),
    st.integers(0, 20),
)
@example("early-data", [(24, 76, 1)], 0)  # a suite that no version of TLS 1.3 has
def test_whatever_is_changed_the_story_is_told(
    name: str, changes: list[tuple[int, int, int]], cut: int
) -> None:
    """Bytes anywhere behind the headers of TCP are changed, and the beginning may be missing."""
    sent = packets(name)
    for which, where, change in changes:
        when, frame = sent[which % len(sent)]
        if len(frame) > _HEADERS:
            data = bytearray(frame)
            data[_HEADERS + where % (len(frame) - _HEADERS)] ^= change
            sent[which % len(sent)] = (when, bytes(data))

    for judged in judged_of(name, sent[cut:]):
        found = (judged.diagnosis.headline, *judged.diagnosis.findings)
        assert "TLS-TOOL-001" not in {finding.rule for finding in found if finding}  # a rule failed


_HEADERS = 54  # Ethernet, IPv4, TCP


def shown(analysis: Analysis, secrets: Secrets) -> Iterator[str]:
    """Everything that can be printed of an analysis."""
    yield render_json(analysis.report()).decode()
    yield repr(secrets)
    yield repr(analysis)
    yield from analysis.complaints
    yield from (repr(judged) for judged in analysis.judged())


@pytest.mark.parametrize("name", ["key-update", "rsa-aes128-sha-tls1_2", "tls13-aes-128-gcm"])
def test_no_secret_is_ever_shown(name: str) -> None:
    secrets = secrets_of(name)
    lines = (KEYED / f"{name}.keys").read_bytes().splitlines()
    hidden = [line.split()[2] for line in lines if line.startswith((b"CLIENT", b"SERVER"))]
    analysis = Analysis([KEYED / f"{name}.pcap"], secrets=secrets)
    text = "".join(shown(analysis, secrets)).lower()

    assert hidden
    for secret in hidden:
        raw = bytes.fromhex(secret.decode())
        assert secret.decode().lower() not in text
        assert repr(raw)[2:-1].lower() not in text
