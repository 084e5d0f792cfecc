"""After the handshake: what was refused late, what was not used, and what is nobody's failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from analyzer import rules
from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.engine import diagnose, outcome
from analyzer.diagnosis.model import Finding, Rank
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Story
from tests.support import messages as m
from tests.support.neighbours import introduced, survey
from tests.support.pairs import Pair, ids, judge, said
from tests.support.stories import (
    CLIENT,
    SERVER,
    Scene,
    a_story,
    answered,
    answered13,
    closed,
    ended,
    established,
    established13,
    offered,
    tls13,
    used,
)
from tests.tls.certificates import chain, make

PAST, LAST_YEAR = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
_F, _R, _C, _P = FailingSide, RemedySide, Confidence, Phase
_AGAIN = m.record(m.HANDSHAKE, b"\xa5" * 300)  # a ClientHello under encryption


def renegotiated(*answer: bytes) -> Scene:
    """A client that begins another handshake, and what the server says."""
    scene = used().client(_AGAIN)
    return scene.server(*answer).ack(CLIENT) if answer else scene


def resumed() -> Scene:
    """An abbreviated handshake of TLS 1.2, no data yet."""
    session = bytes(range(32))
    hello = m.record(m.HANDSHAKE, m.server_hello(session_id=session))
    scene = offered(m.client_hello(session_id=session)).server(hello, m.finished())
    return scene.ack(CLIENT).client(m.finished()).ack(SERVER)


def sealed_handshake(*lengths: int) -> bytes:
    """Handshake messages of TLS 1.2 under encryption."""
    return b"".join(m.record(m.HANDSHAKE, b"\xa5" * length) for length in lengths)


def asked_anew() -> Scene:
    """A server that asks for another handshake, up to the end of the client's last flight."""
    scene = used().server(sealed_handshake(28)).client(sealed_handshake(238))
    scene.server(sealed_handshake(113, 964, 138, 113, 28)).ack(CLIENT)
    return scene.client(sealed_handshake(31, 61), m.record(20, b"\xa5" * 25), sealed_handshake(40))


def granted_anew() -> Scene:
    """The same, with the server's end of it and the answer to the request that waited for it."""
    scene = asked_anew().server(m.record(20, b"\xa5" * 25), sealed_handshake(40), m.data())
    return scene.ack(CLIENT)


def requested(scene: Scene | None = None, *, length: int = 300) -> Scene:
    """A client that asks for something over a session of TLS 1.2, or the one given."""
    return (scene or established()).client(m.data(length)).ack(SERVER)


PAIRS = (
    Pair(
        "TLS-END-004",
        lambda: ended(requested(), "fin", SERVER),
        lambda: ended(requested().server(m.data()).ack(CLIENT), "fin", SERVER),
        _P.POST_HANDSHAKE,
        _F.SERVER,
        _R.SERVER,
        _C.SUSPECTED,
    ),
    Pair(
        "TLS-END-003",
        lambda: asked_anew().server(m.sealed_alert()).fin(SERVER).fin(CLIENT).story(),
        lambda: closed(granted_anew()).story(),
        _P.POST_HANDSHAKE,
        _F.SERVER,
        _R.CLIENT,
        _C.INFERRED,
    ),
    Pair(
        "TLS-END-001",
        lambda: renegotiated(m.sealed_alert()).fin(SERVER).fin(CLIENT).story(),
        lambda: closed(renegotiated(m.record(m.HANDSHAKE, b"\xa5" * 900))).story(),
        _P.POST_HANDSHAKE,
        _F.SERVER,
        _R.SERVER,
        _C.INFERRED,
    ),
    Pair(
        "TLS-END-002",
        lambda: ended(established(), "fin", CLIENT),
        lambda: ended(used(), "fin", CLIENT),
        _P.POST_HANDSHAKE,
        _F.CLIENT,
        _R.SERVER,
        _C.SUSPECTED,
    ),
)


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_a_rule_tells_its_case_from_its_neighbour(pair: Pair) -> None:
    judge(pair)


def test_every_rule_of_the_family_has_a_pair() -> None:
    assert {pair.rule for pair in PAIRS} == ids("after")


@pytest.mark.parametrize("rule", sorted(ids("after")))
@pytest.mark.parametrize("healthy", [a_story, tls13])
def test_no_rule_accuses_a_healthy_connection(rule: str, healthy: Callable[[], Story]) -> None:
    assert said(rule, healthy()) == []


@pytest.mark.parametrize(
    ("turn", "after", "said_of_it"),
    [
        pytest.param(0.0, 0.5, "established", id="stayed"),
        pytest.param(0.0, 0.0, "failed", id="left at once"),
        pytest.param(0.6, 0.5, "failed", id="a slow one, at once"),
        pytest.param(0.6, 0.9, "established", id="a slow one that stayed"),
    ],
)
def test_who_judges_the_certificate_behind_the_handshake_takes_no_longer_than_its_turn(
    turn: float, after: float, said_of_it: str
) -> None:
    """Who leaves later had opened the connection ahead of need, as browsers do."""
    scene = offered().server(m.server_flight()).ack(CLIENT).wait(turn)
    scene.client(m.client_flight()).server(m.finished()).ack(CLIENT)
    story = ended(scene, "fin", CLIENT, after)
    headline = diagnose(story, rules.modules()).headline

    assert headline is not None
    assert headline.cause == "closed_after_handshake"
    assert outcome(story, headline) == said_of_it


@pytest.mark.parametrize("way", ["fin", "rst"])
@pytest.mark.parametrize(("side", "failing"), [(CLIENT, _F.CLIENT), (SERVER, _F.SERVER)])
@pytest.mark.parametrize("scene", [established, established13])
def test_leaving_without_a_word_is_a_failure_of_the_side_that_left(
    scene: Callable[[], Scene], way: str, side: Side, failing: FailingSide
) -> None:
    story = ended(scene(), way, side)
    headline = diagnose(story, rules.modules()).headline

    assert headline is not None
    assert (headline.cause, headline.failing_side, headline.remedy_side) == (
        "closed_after_handshake",
        failing,
        _R.SERVER,
    )
    reasons = {a.cause for a in headline.alternatives} - {"fine"}
    late = {"server_certificate_rejected"}
    if story.tls13:  # the certificate is encrypted, and with it the names that it holds
        late.add("hostname_mismatch")
    if side is SERVER:
        late = {"server_internal"}  # as of a load balancer whose backend is down
    assert reasons == late
    assert outcome(story, headline) == "failed"


@pytest.mark.parametrize(
    ("side", "judged"), [(CLIENT, "the server's certificate"), (SERVER, "the client's certificate")]
)
def test_only_a_certificate_that_could_be_judged_is_one_to_change(side: Side, judged: str) -> None:
    """A server that asked for none cannot have disliked the client's."""
    headline = diagnose(ended(established(), "fin", side), rules.modules()).headline

    assert headline is not None
    assert any(judged in step for step in headline.remedy) == (side is CLIENT)


def test_a_server_that_asked_may_dislike_the_certificate_as_late() -> None:
    story = ended(established13(shown=900), "fin", SERVER)
    headline = diagnose(story, rules.modules()).headline

    assert headline is not None
    assert headline.remedy_side is _R.CLIENT
    assert [other.cause for other in headline.alternatives] == [
        "client_certificate_rejected",
        "server_internal",
        "fine",
    ]


def test_a_refusal_that_ends_the_connection_is_told_once() -> None:
    scene = renegotiated(m.sealed_alert()).fin(SERVER).fin(CLIENT)
    (finding,) = said("TLS-END-001", scene.story())
    frames = [entry.frame for entry in finding.evidence]

    assert len(frames) == len(set(frames))


@pytest.mark.parametrize("way", ["fin", "rst"])
def test_who_resumes_sessions_had_accepted_the_certificate(way: str) -> None:
    """As HAProxy's checks do, which close without the closing alert."""
    story = ended(resumed(), way, CLIENT)
    headline = diagnose(story, rules.modules()).headline

    assert headline is not None
    assert [a.cause for a in headline.alternatives] == ["fine"]
    assert outcome(story, headline) == "established"


HTTP = m.client_hello(alpn=("http/1.1",))


def over_http() -> Scene:
    scene = offered(HTTP).server(m.server_flight()).ack(CLIENT)
    return scene.client(m.client_flight()).server(m.finished()).ack(CLIENT)


@pytest.mark.parametrize(
    ("told", "fires"),
    [
        pytest.param(lambda: ended(requested(), "rst", SERVER), True, id="reset"),
        pytest.param(
            lambda: requested().server(m.sealed_alert()).fin(SERVER).fin(CLIENT).story(),
            True,
            id="in order",
        ),
        pytest.param(lambda: ended(requested(), "fin", CLIENT, 5), False, id="client had enough"),
        pytest.param(lambda: ended(requested(), "fin", SERVER, 30), False, id="perhaps one-way"),
        pytest.param(
            lambda: ended(requested(over_http()), "fin", SERVER, 30), True, id="HTTP, no one-way"
        ),
        pytest.param(lambda: ended(requested(length=60), "fin", SERVER), False, id="a farewell"),
        pytest.param(
            lambda: ended(requested().server(sealed_handshake(28)), "fin", SERVER),
            False,
            id="a server that wants another handshake",
        ),
        pytest.param(lambda: ended(established(), "fin", SERVER), False, id="nothing asked"),
        pytest.param(
            lambda: ended(requested(established13()), "fin", SERVER), True, id="a ticket before it"
        ),
        pytest.param(
            lambda: ended(requested(established13(tickets=False)), "fin", SERVER),
            True,
            id="TLS 1.3 without tickets",
        ),
        pytest.param(
            lambda: ended(
                requested(established13(tickets=False)).server(m.sealed(234, 234)), "fin", SERVER
            ),
            True,
            id="two tickets behind it",
        ),
        pytest.param(
            lambda: ended(
                requested(established13(tickets=False)).server(m.sealed(234)), "fin", SERVER
            ),
            False,
            id="a ticket or an answer",
        ),
        pytest.param(
            lambda: ended(
                requested(established13(tickets=False)).server(m.sealed(234, 900)), "fin", SERVER
            ),
            False,
            id="an answer among tickets",
        ),
    ],
)
def test_a_request_without_an_answer_is_told_of_a_connection_that_stays_established(
    told: Callable[[], Story], fires: bool
) -> None:
    story = told()
    headline = diagnose(story, rules.modules()).headline
    cause = None if headline is None else headline.cause

    assert (cause == "request_unanswered") == fires
    assert outcome(story, headline) == "established" or not fires


def found_in(stories: list[Story], story: Story) -> tuple[Finding, str]:
    seen = introduced(story, survey(stories))
    headline = diagnose(seen, rules.modules()).headline
    assert headline is not None
    return headline, outcome(seen, headline)


UNUSED = established().story()


@pytest.mark.parametrize("way", ["fin", "rst"])
@pytest.mark.parametrize(
    ("scene", "before", "after", "said_of_it"),
    [
        pytest.param(established, a_story(), UNUSED, "established", id="same certificate used"),
        pytest.param(established, UNUSED, a_story(), "established", id="and used later"),
        pytest.param(established, tls13(), tls13(), "failed", id="another may have been used"),
        pytest.param(established13, tls13(), tls13(), "established", id="used before and after"),
        pytest.param(established13, tls13(), UNUSED, "failed", id="used until then"),
        pytest.param(established13, UNUSED, tls13(), "failed", id="used from then on"),
        pytest.param(established, UNUSED, resumed().story(), "established", id="resumed later"),
        pytest.param(established, resumed().story(), UNUSED, "failed", id="resumed before"),
        pytest.param(established, UNUSED, UNUSED, "failed", id="never used"),
    ],
)
def test_who_uses_other_connections_does_not_mind_the_certificate(
    scene: Callable[[], Scene], before: Story, after: Story, said_of_it: str, way: str
) -> None:
    """A proxy checks the server that it uses; and a renewed certificate may be one to mind."""
    stories = [
        replace(one, stream=number, start=number)
        for number, one in enumerate((before, ended(scene(), way, CLIENT), after))
    ]
    headline, told = found_in(stories, stories[1])

    assert headline.cause == "closed_after_handshake"
    assert told == said_of_it
    assert ("On other connections" in headline.explanation) == (told == "established")


def test_who_left_unused_what_it_accepts_may_do_so_again() -> None:
    """The last of a proxy's checks, behind all use."""
    stories = [
        replace(one, stream=number, start=number + 1)
        for number, one in enumerate((tls13(), established13().story(), tls13(), CHECKED13))
    ]

    assert found_in(stories, stories[3])[1] == "established"
    assert found_in(stories[:1] + stories[2:], stories[3])[1] == "failed"


CHECKED13 = ended(established13(), "rst", CLIENT)


def test_a_flaw_in_plain_sight_is_minded_unless_the_same_certificate_was_used() -> None:
    story, same = ended(with_expired(), "fin", CLIENT), closed(used(with_expired())).story()
    causes = []
    for other in (a_story(), same):
        both = [replace(one, stream=number) for number, one in enumerate((story, other))]
        headline, told = found_in(both, both[0])
        causes.append((headline.cause, told))

    assert causes == [("cert_expired", "failed"), ("closed_after_handshake", "established")]


def with_expired() -> Scene:
    _, above, _ = chain()
    old = make("leaf", issuer=above, dns=(m.HOST,), begin=PAST, end=LAST_YEAR, serial=7)
    done = answered(ders=(old.der, above.der)).client(m.client_flight()).ack(SERVER)
    return done.server(m.finished()).ack(CLIENT)


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(closed(established()).story(), id="tls 1.2"),
        pytest.param(
            established13().client(m.sealed(2)).fin(CLIENT).server(m.sealed(2)).fin(SERVER).story(),
            id="tls 1.3",
        ),
    ],
)
def test_an_orderly_close_of_an_unused_connection_is_no_failure(story: Story) -> None:
    headline = diagnose(story, rules.modules()).headline

    assert headline is not None
    assert headline.rank is Rank.UNUSED
    assert not headline.failure
    assert outcome(story, headline) == "established"


def test_an_unused_connection_that_was_kept_for_a_while_was_wanted() -> None:
    assert said("TLS-END-002", ended(established(), "fin", CLIENT, after=30)) == []


def test_a_server_that_speaks_first_has_used_the_connection() -> None:
    story = ended(established().server(m.data(60)).ack(CLIENT), "fin", CLIENT)

    assert said("TLS-END-002", story) == []


@pytest.mark.parametrize(
    ("sent", "causes"),
    [
        pytest.param((234, 3), [], id="a ticket and a short file"),
        pytest.param((234, 234, 130), [], id="tickets and a listing"),
        pytest.param((234, 234), ["closed_after_handshake"], id="tickets"),
    ],
)
def test_a_server_that_leaves_has_used_what_it_sent_its_data_over(
    sent: tuple[int, ...], causes: list[str]
) -> None:
    """As over the data connection of FTP, on which the client says nothing."""
    scene = established13(tickets=False).server(m.sealed(*sent)).ack(CLIENT)
    story = scene.server(m.sealed(2)).fin(SERVER).client(m.sealed(2)).fin(CLIENT).story()

    assert [finding.cause for finding in said("TLS-END-002", story)] == causes


@pytest.mark.parametrize(
    ("protocols", "sent", "used"),
    [
        ((), (234, 234, 41), True),
        ((), (12,), True),
        ((), (234, 234), False),
        ((), (234, 5), False),  # KeyUpdate
        (("h2", "http/1.1"), (234, 234, 41), False),
    ],
    ids=["greeting", "short greeting", "tickets", "new keys", "settings"],
)
def test_in_tls13_lengths_tell_a_greeting_from_tickets(
    protocols: tuple[str, ...], sent: tuple[int, ...], used: bool
) -> None:
    hello = m.record(m.HANDSHAKE, m.server_hello_13())
    scene = offered(m.client_hello_13(alpn=protocols))
    scene.server(hello, m.switch(), m.sealed(6, 900, 79, m.FINISHED_13)).ack(CLIENT)
    scene.client(m.switch(), m.sealed(m.FINISHED_13)).server(m.sealed(*sent)).ack(CLIENT)

    assert (said("TLS-END-002", ended(scene, "fin", CLIENT)) == []) == used


def test_what_may_be_a_request_is_taken_for_one() -> None:
    """As of browsers and NSS, whose certificate, signature and Finished share one record."""
    scene = answered13(asking=True).client(m.switch(), m.sealed(900 + 79 + m.FINISHED_13))
    scene.ack(SERVER).server(m.sealed(234), m.sealed(234)).ack(CLIENT)
    asked = scene.client(m.sealed(41)).ack(SERVER).server(m.sealed(700), m.sealed(2))

    assert said("TLS-END-002", ended(asked, "fin", SERVER)) == []


def test_early_data_that_was_accepted_used_the_connection() -> None:
    hello = m.client_hello_13(m.extension(42, b""))
    answer = m.record(m.HANDSHAKE, m.server_hello_13(psk=True))
    scene = offered(hello).client(m.sealed(120)).ack(SERVER)
    scene.server(answer, m.switch(), m.sealed(10, m.FINISHED_13)).ack(CLIENT)
    scene.client(m.sealed(4, m.FINISHED_13)).ack(SERVER)
    story = ended(scene.server(m.sealed(234)).ack(CLIENT), "fin", CLIENT)

    assert story.completed
    assert said("TLS-END-002", story) == []


def test_a_clear_no_renegotiation_is_seen() -> None:
    story = used().client(_AGAIN).server(m.alert(m.NO_RENEGOTIATION, 1)).fin(SERVER).story()
    found = said("TLS-END-001", story)

    # The server's alert stands behind its ChangeCipherSpec: two bytes can only be clear.
    assert [f.confidence for f in found] == [Confidence.SEEN]


def test_a_server_that_resets_where_it_had_asked_anew_is_suspected_to_mind_the_certificate() -> (
    None
):
    story = ended(asked_anew(), "rst", SERVER)
    headline = diagnose(story, rules.modules()).headline

    assert headline is not None
    assert (headline.rule, headline.confidence) == ("TLS-END-003", Confidence.SUSPECTED)
    assert outcome(story, headline) == "failed"
    assert said("TLS-END-003", ended(asked_anew(), "fin", CLIENT)) == []
    assert said("TLS-END-003", ended(granted_anew(), "rst", SERVER)) == []


def test_the_closing_alerts_of_an_idle_connection_refuse_nothing() -> None:
    assert said("TLS-END-001", closed(renegotiated().wait(30)).story()) == []


def test_a_refusal_after_which_the_connection_goes_on_is_a_note() -> None:
    scene = renegotiated(m.sealed_alert()).client(m.data()).server(m.data(700)).wait(20)
    story = closed(scene).story()
    diagnosis = diagnose(story, rules.modules())

    assert diagnosis.headline is None
    assert [f.rule for f in diagnosis.findings] == ["TLS-END-001"]
    assert outcome(story, diagnosis.headline) == "established"


@pytest.mark.parametrize(
    ("story", "outcome_"),
    [
        (ended(established13(tickets=False, shown=900), "fin", CLIENT), "failed"),
        (ended(established13(tickets=False, shown=900), "fin", CLIENT, after=30), "incomplete"),
        (established13(tickets=False, shown=900).story(), "incomplete"),
    ],
    ids=["left at once", "left later", "silence"],
)
def test_acceptance_under_encryption_is_never_left_without_a_word(
    story: Story, outcome_: str
) -> None:
    headline = diagnose(story, rules.modules()).headline

    assert headline is not None
    assert outcome(story, headline) == outcome_


def test_a_capture_with_holes_may_miss_the_use_of_a_connection() -> None:
    unused = ended(established(), "fin", CLIENT)
    holed = ended(established().client(m.data(), captured=False), "fin", CLIENT)

    assert diagnose(unused, rules.modules()).headline is not None
    assert diagnose(holed, rules.modules()).headline is None


def padded(*answer: int) -> Scene:
    """TLS 1.3 with all records padded to 512 bytes, up to the client's answer."""
    hello = m.record(m.HANDSHAKE, m.server_hello_13())
    scene = offered(m.client_hello_13()).server(hello, m.switch(), m.sealed(511, 1023, 511, 511))
    return scene.ack(CLIENT).client(m.switch(), m.sealed(*answer)).ack(SERVER)


@pytest.mark.parametrize(
    ("after", "side", "outcome_"),
    [
        ((511, 511, 511), CLIENT, "established"),
        ((511,), CLIENT, "incomplete"),
        ((511,), SERVER, "failed"),
        ((), SERVER, "failed"),
    ],
    ids=["used", "may be a ticket", "may be an alert", "closed"],
)
def test_where_records_are_padded_nothing_is_sure(
    after: tuple[int, ...], side: Side, outcome_: str
) -> None:
    scene = padded(511, 511)
    if after:
        scene.server(m.sealed(*after)).ack(CLIENT)
    story = scene.wait(5 if side is CLIENT else 0).fin(side).fin(side.peer).story()
    headline = diagnose(story, rules.modules()).headline

    assert outcome(story, headline) == outcome_
    assert headline is None or headline.confidence is Confidence.SUSPECTED


def test_a_warning_that_both_went_on_after_ends_no_handshake() -> None:
    """A server whose name is another warns and serves its default certificate (RFC 6066 section 3)."""
    scene = offered().server(m.alert(112, level=1), m.server_flight()).ack(CLIENT)
    scene.client(m.client_flight()).ack(SERVER).server(m.finished()).ack(CLIENT)
    story = scene.client(m.data()).fin(CLIENT).fin(SERVER).story()
    headline = diagnose(story, rules.modules()).headline

    assert outcome(story, headline) == "established"


def test_data_behind_the_closing_alert_of_a_client_were_of_no_use_to_it() -> None:
    """A server that answers end of file as it answers a request; the Finished may not have verified."""
    scene = established().client(m.sealed_alert()).server(m.data(49), m.sealed_alert()).fin(SERVER)
    (finding,) = said("TLS-END-002", scene.fin(CLIENT).story())

    assert finding.failing_side is FailingSide.CLIENT
