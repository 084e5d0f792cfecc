"""What TLS 1.3 record lengths tell: tables of lengths in, readings out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tcp.timeline import Side
from analyzer.tls.record.encrypted import Reading, Sealed, read_sealed

FINISHED = 36  # with SHA-256
FLIGHT = [10, 900, 264, FINISHED]
ASKING_FLIGHT = [10, 60, 900, 264, FINISHED]
CERTIFICATE = [700, 264]


_WHOLE = ("encrypted_extensions", "certificate", "certificate_verify", "finished")


def read(*turns: list[int], psk: bool = False, early_data: bool = False) -> Reading:
    """Read turns of record lengths, the server's first, then by turns."""
    records = [
        Sealed(Side.CLIENT if turn % 2 else Side.SERVER, length, turn * 100 + index, turn)
        for turn, lengths in enumerate(turns)
        for index, length in enumerate(lengths)
    ]
    return read_sealed(records, hash_length=32, psk=psk, early_data=early_data)


def test_a_plain_handshake_with_tickets_is_read_whole() -> None:
    reading = read(FLIGHT, [FINISHED], [230, 230])

    assert [step.name for step in reading.steps] == [
        "encrypted_extensions",
        "certificate",
        "certificate_verify",
        "finished",
        "finished",
    ]
    assert reading.certificate_request is False
    assert reading.client_certificate == "absent"
    assert len(reading.server_after) == 2
    assert reading.server_alert is None


@pytest.mark.parametrize(
    ("flight", "answer", "asked", "certificate"),
    [
        pytest.param(ASKING_FLIGHT, [8, FINISHED], True, "empty", id="empty certificate"),
        pytest.param(ASKING_FLIGHT, [8 + FINISHED], True, "empty", id="empty, coalesced"),
        pytest.param(ASKING_FLIGHT, [*CERTIFICATE, FINISHED], True, "present", id="three records"),
        pytest.param(ASKING_FLIGHT, [700 + 264 + FINISHED], True, "present", id="one record"),
        pytest.param(
            [10 + 900 + 264 + FINISHED], [FINISHED], False, "absent", id="one-record flight"
        ),
        pytest.param(
            [1300 + FINISHED], [*CERTIFICATE, FINISHED], True, "present", id="client decides"
        ),
        pytest.param(
            [10, 4000, 4000, 1200, 264, FINISHED], [FINISHED], False, "absent", id="fragments"
        ),
    ],
)
def test_client_authentication_is_told_from_lengths(
    flight: list[int], answer: list[int], asked: bool, certificate: str
) -> None:
    reading = read(flight, answer, [230])

    assert reading.certificate_request is asked
    assert reading.client_certificate == certificate
    assert reading.client_finished is not None


@pytest.mark.parametrize("length", [2, 18, 34], ids=["bare", "padded to 16", "padded to 32"])
def test_a_clients_alert_after_the_flight_is_a_refusal_and_no_finished(length: int) -> None:
    reading = read(FLIGHT, [length])

    assert reading.client_finished is None
    assert reading.client_alert is not None
    assert reading.client_alert.length == length
    assert reading.server_flight is not None


@pytest.mark.parametrize("before", [[], [FINISHED], [FINISHED, 500]], ids=["early", "done", "used"])
def test_of_two_alerts_at_the_end_the_first_is_the_one_that_counts(before: list[int]) -> None:
    reading = read(FLIGHT, [*before, 2, 2])

    assert reading.client_alert is not None
    assert reading.client_alert.frame == 100 + len(before)


def test_a_servers_alert_after_the_clients_finished_is_kept_apart_from_tickets() -> None:
    refused = read(ASKING_FLIGHT, [8, FINISHED], [2])
    accepted = read(ASKING_FLIGHT, [8, FINISHED], [230, 230], [500], [2])

    assert refused.server_alert is not None
    assert refused.server_after == (refused.server_alert,)
    assert accepted.server_after[0].length == 230


@pytest.mark.parametrize("length", [4, 9, 20, 26, 33], ids=lambda length: f"{length} bytes")
def test_a_short_greeting_after_the_handshake_is_no_alert(length: int) -> None:
    """As MQTT, HTTP/2 and FTP have them; a server without tickets says nothing before."""
    reading = read(ASKING_FLIGHT, [700, 264, FINISHED], [length])
    refused = read(ASKING_FLIGHT, [700, 264, FINISHED], [18])

    assert reading.server_alert is None
    assert reading.server_after[0].length == length
    assert refused.server_alert is not None


def test_what_follows_a_whole_flight_in_one_record_is_no_fragment_of_it() -> None:
    reading = read([1300 + FINISHED], [700 + 264 + FINISHED, 24], [2])

    assert reading.steps[-1].name == "finished"
    assert reading.steps[-1].record.length == 700 + 264 + FINISHED


def test_an_ambiguous_flight_stays_unknown_when_the_client_says_nothing() -> None:
    reading = read([10 + 900 + 264 + FINISHED], [])

    assert reading.server_flight is not None
    assert reading.certificate_request is None
    assert reading.client_silent


def test_a_server_that_stops_after_its_first_message_has_no_complete_flight() -> None:
    assert read([10], []).server_flight is None
    assert read([2], []).server_alert is not None


def test_resumption_has_no_certificates() -> None:
    reading = read([10, FINISHED], [FINISHED], [230], psk=True)

    assert reading.client_certificate == "absent"
    assert [step.name for step in reading.steps] == ["encrypted_extensions", "finished", "finished"]


def test_the_same_padding_on_every_record_of_a_side_is_seen_through() -> None:
    padded = [length + 16 for length in (700, 264, FINISHED)]
    reading = read([length + 16 for length in ASKING_FLIGHT], padded, [230])

    assert reading.certificate_request is True
    assert reading.client_certificate == "present"
    assert reading.client_finished is not None


def test_early_data_is_set_aside_up_to_its_end() -> None:
    reading = read([10, FINISHED], [400, 4, FINISHED], [230], psk=True, early_data=True)

    assert reading.early_data
    assert reading.client_finished is not None
    assert reading.client_finished.length == FINISHED


@pytest.mark.parametrize(
    ("answer", "taken"),
    [([400, 4, FINISHED], True), ([400, FINISHED], False)],
    ids=["accepted", "sent in vain"],
)
def test_the_end_of_early_data_says_that_the_server_took_it(answer: list[int], taken: bool) -> None:
    reading = read([10, FINISHED], answer, [230], psk=True, early_data=True)

    assert (reading.early_data_taken is not None) is taken


@pytest.mark.parametrize(
    ("answer", "unheard"),
    [
        pytest.param([*CERTIFICATE, FINISHED], True, id="nothing said"),
        pytest.param([*CERTIFICATE, FINISHED, 2], True, id="an alert"),
        pytest.param([*CERTIFICATE, FINISHED, 60], False, id="data"),
        pytest.param([1000], True, id="one record, nothing said"),
        pytest.param([1000, 2], True, id="one record, an alert"),
        pytest.param([1000, 41], False, id="the flight may end in the second record"),
        pytest.param([200], False, id="no whole flight"),
    ],
)
def test_a_client_said_nothing_only_if_no_reading_leaves_it_data(
    answer: list[int], unheard: bool
) -> None:
    assert read(ASKING_FLIGHT, answer, [230]).client_unheard is unheard


@given(
    st.lists(st.tuples(st.sampled_from(list(Side)), st.integers(0, 20_000)), max_size=30),
    st.booleans(),
    st.booleans(),
)
def test_any_lengths_give_a_reading_in_bounded_time(
    sent: list[tuple[Side, int]], psk: bool, early: bool
) -> None:
    records = [Sealed(side, length, frame, frame) for frame, (side, length) in enumerate(sent)]
    reading = read_sealed(records, hash_length=48, psk=psk, early_data=early)

    frames = {record.frame for record in records}

    assert {step.record.frame for step in reading.steps} <= frames
    assert reading.client_finished is None or reading.client_finished.frame in frames


def test_a_request_as_short_as_a_padded_alert_is_data() -> None:
    """``GET / HTTP/1.0`` and two line ends, answered by the server: 18 bytes."""
    finished, request = Sealed(Side.CLIENT, 36, 7, 0), Sealed(Side.CLIENT, 18, 8, 0)
    flight = [Sealed(Side.SERVER, length, 5, 0) for length in (10, 423, 79, 36)]
    reading = read_sealed([*flight, finished, request], hash_length=32, psk=False, early_data=False)

    assert reading.client_finished == finished
    assert reading.client_alert is None
    assert reading.client_after == (request,)


@pytest.mark.parametrize("extensions", [6, 19], ids=["no settings", "settings"])
def test_a_request_is_no_certificate_after_application_settings(extensions: int) -> None:
    """A Finished of 36 bytes could be settings (ALPS), and a request of 644 what follows them."""
    flight = [Sealed(Side.SERVER, length, 5, 0) for length in (extensions, 938, 78, 36)]
    finished, request = Sealed(Side.CLIENT, 36, 7, 0), Sealed(Side.CLIENT, 644, 8, 0)
    reading = read_sealed(
        [*flight, finished, request],
        hash_length=32,
        psk=False,
        early_data=False,
        application_settings=True,
    )

    assert reading.client_finished == finished
    assert reading.client_after == (request,)
    assert (reading.client_certificate == "absent") == (extensions == 6)


def test_readings_that_differ_by_a_request_tell_what_both_hold() -> None:
    """Nothing of the client tells whether it was asked for a certificate."""
    flight = [Sealed(Side.SERVER, length, 5, 0) for length in (10, 423, 79, 36)]
    reading = read_sealed(flight, hash_length=32, psk=False, early_data=False)

    assert [step.name for step in reading.steps] == [
        *("encrypted_extensions", "certificate", "certificate_verify", "finished")
    ]
    assert reading.certificate_request is None


@pytest.mark.parametrize(
    ("lengths", "steps", "whole"),
    [
        ((10, 905), ["encrypted_extensions"], False),
        ((25, 905), ["encrypted_extensions"], False),
        ((10, 905, 79), ["encrypted_extensions", "certificate", "certificate_verify"], False),
        ((10, 905, 264), ["encrypted_extensions", "certificate"], False),
        ((10, 905, 79, 36), [*_WHOLE], True),
        ((1030,), [*_WHOLE], True),
    ],
)
def test_a_flight_that_nobody_answered_need_not_be_whole(
    lengths: tuple[int, ...], steps: list[str], whole: bool
) -> None:
    """Who gives one message a record of its own gives Finished one."""
    flight = [Sealed(Side.SERVER, length, 5, 0) for length in lengths]
    reading = read_sealed(flight, hash_length=32, psk=False, early_data=False)

    assert [step.name for step in reading.steps] == steps
    assert (reading.server_flight is not None) == whole


BLOCKS = [
    511,
    1023,
    511,
    511,
]  # a flight whose records are padded to 512 bytes, inner type included


@pytest.mark.parametrize(
    ("answer", "after", "finished", "proof"),
    [
        pytest.param([511, 511], [511], False, 0, id="an alert, or a ticket"),
        pytest.param([511, 511], [511, 511], False, 0, id="an alert and close_notify, or tickets"),
        pytest.param([511, 511], [511, 511, 511], True, 1, id="too many for alerts"),
        pytest.param([511, 511], [511, 1535], True, 1, id="too long for an alert"),
        pytest.param([FINISHED], [511], True, 0, id="the client does not pad"),
        pytest.param([FINISHED], [1535], True, 1, id="the client does not pad, the server goes on"),
    ],
)
def test_records_padded_to_blocks_tell_nothing_by_their_lengths(
    answer: list[int], after: list[int], finished: bool, proof: int
) -> None:
    reading = read(BLOCKS, answer, after)

    assert reading.padded
    assert (reading.client_finished is not None) is finished
    assert len(reading.server_after) == proof
    assert reading.server_alert is None


def test_fragments_of_equal_length_are_not_taken_for_padding() -> None:
    assert not read([16_384, 16_384]).padded
    assert not read([512, 512]).padded
