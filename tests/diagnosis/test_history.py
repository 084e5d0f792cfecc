"""What neighbours add to a failure: since when, and with whom else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer import rules
from analyzer.diagnosis.engine import diagnose
from analyzer.limits import Limits
from analyzer.tcp.evidence import Endpoint
from analyzer.tls.neighbours.shown import shown_by
from analyzer.tls.neighbours.survey import Survey
from analyzer.tls.story import Story
from tests.support import messages as m
from tests.support.neighbours import introduced, survey
from tests.support.stories import CLIENT, SECOND, SERVER, a_story, alerted, answered, ended, offered

OTHER = m.client_made().certificate  # another certificate than the server's usual one


def later(story: Story, stream: int, seconds: int, client: str = "192.0.2.10") -> Story:
    """The same on another connection."""
    start = story.start + seconds * SECOND
    return replace(story, stream=stream, start=start, client=Endpoint(client, 50_000 + stream))


def failed(stream: int, seconds: int, client: str = "192.0.2.10") -> Story:
    return later(alerted(answered(ders=m.server_ders()), CLIENT, 48), stream, seconds, client)


def told(stories: list[Story], stream: int) -> str:
    """The explanation of one of them."""
    known = survey(stories)
    story = introduced(next(s for s in stories if s.stream == stream), known)
    headline = diagnose(story, rules.modules()).headline
    assert headline is not None
    return headline.explanation


def test_a_server_that_worked_until_some_point() -> None:
    good = [later(a_story(), stream, 10 * stream) for stream in range(3)]
    text = told([*good, failed(3, 60), failed(4, 70)], 4)

    assert (
        "198.51.100.20:443 completed 3 handshakes until 2026-06-15 12:00:20 UTC (stream 2), and "
        "none since 2026-06-15 12:01:00 UTC (stream 3)." in text
    )


def test_a_certificate_that_changed_in_between_is_named() -> None:
    good = later(a_story(), 0, 0)
    chain = good.server_chain
    assert chain is not None
    old = replace(chain, certificates=(replace(chain.certificates[0], serial="07"),))
    new = failed(1, 60)
    assert new.server_chain is not None
    serial = new.server_chain.certificates[0].serial

    assert f"its certificate changed: serial 07 before, {serial} after." in told(
        [replace(good, server_chain=old), new], 1
    )
    assert "its certificate changed" not in told([good, new], 1)


def test_failures_among_successes_have_no_beginning() -> None:
    mixed = [later(a_story(), 0, 0), failed(1, 10), later(a_story(), 2, 20), failed(3, 30)]

    assert "and none since" not in told(mixed, 3)
    assert told(mixed, 3).endswith(
        "Not always: 192.0.2.10 completed 2 handshakes with 198.51.100.20:443, too."
    )


def test_what_went_well_before_a_turn_is_told_once() -> None:
    good = [later(a_story(), stream, 10 * stream) for stream in range(3)]

    assert "Not always" not in told([*good, failed(3, 60)], 3)


@pytest.mark.parametrize(
    ("name", "asked"), [("b.example", "b.example"), (None, "no name")], ids=["another", "none"]
)
def test_names_that_others_asked_for_are_told_where_they_differ(
    name: str | None, asked: str
) -> None:
    other = failed(3, 5)
    scene = offered(m.client_hello(sni=name)).server(m.server_flight(ders=m.server_ders()))
    here = later(alerted(scene.ack(CLIENT), CLIENT, 48), 4, 5)
    good = [later(a_story(), stream, 10 * stream) for stream in range(2)]
    text = (
        f"Not always: 192.0.2.10 completed 2 handshakes with 198.51.100.20:443, too, asking for {m.HOST}; "
        f"this connection asks for {asked}."
    )

    assert told([*good, here], 4).endswith(text)
    assert "asking for" not in told([*good, other], 3)
    assert f"asking for {m.HOST}" in told(
        [*good, replace(here, client=Endpoint("192.0.2.9", 9))], 4
    )


def test_other_clients_and_other_servers_are_counted() -> None:
    others = [later(a_story(), stream, stream, "192.0.2.77") for stream in range(2)]
    text = told([*others, failed(5, 0)], 5)
    elsewhere = replace(later(a_story(), 7, 0), server=Endpoint("198.51.100.99", 443))

    assert "With other clients 198.51.100.20:443 completed 2 handshakes." in text
    assert "completed 1 handshake with other servers." in told([elsewhere, failed(5, 0)], 5)
    assert "failed with other clients, too (1 connection)." in told(
        [failed(1, 0, "192.0.2.77"), failed(5, 0)], 5
    )


def test_a_client_that_cannot_resume_where_full_handshakes_work() -> None:
    ticket = m.extension(35, bytes(48))
    resuming = later(alerted(offered(m.client_hello(ticket)), SERVER, 40), 9, 50)
    plain = later(alerted(offered(), SERVER, 40), 9, 50)
    good = later(a_story(), 0, 0)

    assert "1 full handshake with this server completed and no resumed one" in told(
        [good, resuming], 9
    )
    assert "resume" not in told([good, plain], 9)
    assert "no resumed one" not in told([replace(good, resumed=True), resuming], 9)


def test_alone_there_is_nothing_to_add() -> None:
    alone = failed(0, 0)
    plain = diagnose(alone, rules.modules()).headline

    assert plain is not None
    assert told([alone], 0) == plain.explanation


@pytest.mark.parametrize("most", [0, 1])
def test_what_is_remembered_of_servers_is_bounded(most: int) -> None:
    known = Survey(Limits(surveyed=most))
    stories = [replace(failed(n, n), server=Endpoint(f"198.51.100.{n}", 443)) for n in range(9)]
    for story in stories:
        known.add(shown_by(story))
    remembered = [introduced(s, known).neighbours.past.first_failed for s in stories]

    assert sum(moment is not None for moment in remembered) == most


GATEWAY = "198.51.100.20"  # the server of these stories


def behind(stream: int, seconds: float, server: str = "203.0.113.5") -> Story:
    """A failure of the gateway as a client."""
    made = alerted(answered(ders=m.server_ders()), CLIENT, 48)
    start = made.start + int(seconds * SECOND)
    client, partner = Endpoint(GATEWAY, 40_000 + stream), Endpoint(server, 8443)
    return replace(made, stream=stream, start=start, end=start, client=client, server=partner)


def unanswered(stream: int = 1) -> Story:
    """A client that waits for the gateway in vain."""
    return replace(ended(offered(), "fin", CLIENT, 20), stream=stream)


@pytest.mark.parametrize(
    ("others", "said"),
    [
        pytest.param([behind(2, 5)], "toward 203.0.113.5:8443 (stream 2):", id="meanwhile"),
        pytest.param([behind(2, -0.5)], "toward 203.0.113.5:8443 (stream 2):", id="just before"),
        pytest.param([behind(3, 9), behind(2, 5)], "5:8443 (stream 2):", id="the first of each"),
        pytest.param(
            [behind(3, 9, "203.0.113.4"), behind(2, 5)],
            "toward 203.0.113.5:8443 (stream 2), 203.0.113.4:8443 (stream 3):",
            id="in order of time",
        ),
        pytest.param([behind(2, -2)], None, id="before"),
        pytest.param([behind(2, 40)], None, id="behind"),
        pytest.param([later(a_story(), 2, 5)], None, id="another client"),
    ],
)
def test_a_gateway_that_failed_itself_meanwhile_is_said_to(
    others: list[Story], said: str | None
) -> None:
    text = told([unanswered(), *others], 1)

    assert ("itself failed as a client" in text) == (said is not None)
    assert said is None or said in text
    assert text == told([*reversed(others), unanswered()], 1)


def test_a_refusal_that_says_why_is_not_laid_to_what_is_behind() -> None:
    refusal = replace(alerted(offered(), SERVER, 70), stream=1)

    assert "itself failed" not in told([refusal, behind(2, 0)], 1)


def test_of_a_host_no_more_failures_are_kept_than_there_is_room_for() -> None:
    known = Survey()
    for number in range(200):
        known.add(shown_by(behind(2 + number, number / 4, f"203.0.113.{number}")))
    front = unanswered()
    known.add(shown_by(front))

    assert len(introduced(front, known).neighbours.beyond) == 64
