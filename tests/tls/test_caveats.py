"""What a capture hides, in sentences."""

from __future__ import annotations

import pytest

from analyzer.diagnosis.flaws.chains import server_flaws
from tests.support import messages as m
from tests.support.stories import CLIENT, SERVER, Scene, closed, established, offered, used


def flight(*, received: bool) -> Scene:
    """A ClientHello, and an answer of which the capture misses a packet of 300 bytes."""
    data = m.server_flight()
    scene = offered().server(data[:200])
    scene.say(SERVER, data[200:500], captured=False, received=received)
    return scene.say(SERVER, data[500:], received=received)


@pytest.mark.parametrize(
    ("acknowledged", "reason"),
    [
        (True, "300 lost by the capture (the client acknowledged them)"),
        (False, "300 lost on the network (the client never acknowledged them)"),
    ],
)
def test_a_hole_says_how_large_it_is_and_who_lost_it(acknowledged: bool, reason: str) -> None:
    story = flight(received=acknowledged).story()
    told = [line for line in story.caveats if "missing" in line]

    assert told == [f"300 bytes that the server sent are missing from the capture: {reason}"]


def test_without_acknowledgments_nobody_is_said_to_have_lost_anything() -> None:
    story = flight(received=True).only(SERVER).story()
    (told,) = [line for line in story.caveats if "missing" in line]

    assert told == "300 bytes that the server sent are missing from the capture"


def test_bytes_that_came_twice_and_differ_are_told() -> None:
    scene = offered().instead(CLIENT, b"other bytes")
    story = closed(used(scene.server(m.server_flight()).ack(CLIENT))).story()

    assert "1 segment repeats bytes of the client with other contents: the first copy counts" in (
        story.caveats
    )


def test_packets_without_a_real_time_judge_no_dates() -> None:
    scene = Scene()
    scene.time = 0
    story = scene.connect().client(m.client_hello()).server(m.server_flight()).story()

    assert "the packets have no real times: the dates of certificates are not judged" in (
        story.caveats
    )
    assert not [flaw.cause for flaw in server_flaws(story) if "yet_valid" in flaw.cause]


def test_what_was_acknowledged_before_a_side_is_first_captured_is_missing() -> None:
    """Two captures of one direction each, of which one began later."""
    scene = offered().server(m.server_flight()).ack(CLIENT).server(m.finished())
    told = scene.heard_last(SERVER).story().caveats

    assert "bytes that the server sent are missing from the capture" in told
    assert offered().server(m.server_flight()).heard_last(SERVER).story().caveats == (
        offered().server(m.server_flight()).story().caveats
    )


def test_what_is_whole_has_no_caveats() -> None:
    story = closed(used(established())).story()

    assert story.caveats == ()
