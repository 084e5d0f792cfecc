"""TCP and the path: every rule on its case and on the nearest other one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from analyzer import rules
from analyzer.diagnosis.causes import Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.engine import diagnose, findings_of, outcome
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Neighbours, SeenWith, Story, Way
from analyzer.tls.telling.tell import tell
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
    connected,
    ended,
    established,
    finished_by_client,
    hello_only,
    hello_unanswered,
    offered,
    refused_connect,
    tls13,
    used,
)

_F, _R, _C, _P = FailingSide, RemedySide, Confidence, Phase


def ignored(*waits: float) -> Story:
    """SYNs that nobody answers, with waits between them."""
    scene = Scene().syn()
    for wait in waits:
        scene.wait(wait).syn()
    return scene.story()


def starving(scene: Scene, data: bytes, side: str = "server", times: int = 5) -> Story:
    """A segment that is sent again and again, never acknowledged, until the client resets."""
    sender = SERVER if side == "server" else CLIENT
    scene.say(sender, data, received=False)
    for attempt in range(times):
        scene.wait(0.3 * 2**attempt).again(sender)
    return scene.wait(2).rst(CLIENT).story()


def full_segment() -> bytes:
    """The first segment of a server's flight that is longer than one segment."""
    return m.server_flight(ders=m.server_ders() * 3)[:1460]


def repeated() -> Story:
    """A healthy connection in which the ClientHello was sent twice."""
    scene = connected().client(m.client_hello()).wait(0.3).again(CLIENT).ack(SERVER)
    scene.server(m.server_flight()).client(m.client_flight()).server(m.finished())
    return closed(used(scene)).story()


PAIRS = (
    Pair(
        "TLS-TCP-001",
        refused_connect,
        lambda: ended(connected(), "rst", SERVER),
        _P.TCP_CONNECT,
        _F.SERVER,
        _R.SERVER,
        _C.SEEN,
    ),
    Pair(
        "TLS-TCP-002",
        lambda: ignored(1, 2, 4),
        refused_connect,
        _P.TCP_CONNECT,
        _F.NETWORK,
        _R.NETWORK,
        _C.INFERRED,
    ),
    Pair(
        "TLS-TCP-003",
        lambda: Scene().syn().icmp(3, 13).story(),
        lambda: Scene().syn().icmp(3, 4).story(),  # "fragmentation needed" rejects nothing
        _P.TCP_CONNECT,
        _F.NETWORK,
        _R.NETWORK,
        _C.SEEN,
    ),
    Pair(
        "TLS-TCP-004",
        lambda: ended(connected(), "fin", SERVER),
        lambda: ended(connected(), "fin", SERVER, after=30),  # a server that waited for a hello
        _P.CLIENT_HELLO,
        _F.SERVER,
        _R.SERVER,
        _C.SEEN,
    ),
    Pair(
        "TLS-TCP-005",
        lambda: ended(connected(), "fin", CLIENT),
        lambda: ended(connected(), "fin", SERVER),
        _P.CLIENT_HELLO,
        _F.CLIENT,
        _R.CLIENT,
        _C.INFERRED,
    ),
    Pair(
        "TLS-TCP-006",
        hello_unanswered,
        lambda: hello_unanswered("rst"),
        _P.CLIENT_HELLO,
        _F.SERVER,
        _R.SERVER,
        _C.SEEN,
    ),
    Pair(
        "TLS-TCP-007",
        lambda: hello_unanswered("rst"),
        hello_unanswered,
        _P.CLIENT_HELLO,
        _F.SERVER,
        _R.SERVER,
        _C.SEEN,
    ),
    Pair(
        "TLS-TCP-008",
        lambda: hello_unanswered("fin", CLIENT, after=10),
        lambda: hello_unanswered("fin", CLIENT),
        _P.CLIENT_HELLO,
        _F.SERVER,
        _R.SERVER,
        _C.SUSPECTED,
    ),
    Pair(
        "TLS-TCP-009",
        lambda: hello_unanswered("fin", CLIENT),
        lambda: hello_unanswered("fin", CLIENT, after=10),
        _P.CLIENT_HELLO,
        _F.CLIENT,
        _R.CLIENT,
        _C.INFERRED,
    ),
    Pair(
        "TLS-TCP-010",
        lambda: ended(finished_by_client(), "rst", SERVER),
        lambda: hello_unanswered("rst"),
        _P.FINISHED,
        _F.SERVER,
        _R.SERVER,
        _C.SUSPECTED,
    ),
    Pair(
        "TLS-TCP-011",
        lambda: starving(offered(), full_segment()),
        lambda: starving(answered(), m.client_flight(), "client"),  # small ones vanish, too
        _P.SERVER_HELLO,
        _F.NETWORK,
        _R.NETWORK,
        _C.SUSPECTED,
    ),
    Pair(
        "TLS-TCP-012",
        lambda: starving(answered(), m.client_flight(), "client"),
        lambda: starving(offered(), full_segment()),
        _P.FINISHED,
        _F.NETWORK,
        _R.NETWORK,
        _C.SUSPECTED,
    ),
    Pair(
        "TLS-TCP-013",
        repeated,
        a_story,
        _P.NONE,
        _F.NONE,
        _R.NETWORK,
        _C.INFERRED,
    ),
)


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_a_rule_tells_its_case_from_its_neighbour(pair: Pair) -> None:
    judge(pair)


@pytest.mark.parametrize(
    ("scene", "side", "causes"),
    [
        (lambda: answered(asking=True), SERVER, ["client_certificate_rejected", "server_internal"]),
        (answered, SERVER, ["server_internal"]),
        (answered, CLIENT, ["server_certificate_rejected", "fine"]),
        (hello_only, CLIENT, ["negotiation_failed", "fine"]),
    ],
    ids=["server, having asked", "server", "client, certificate shown", "client, none shown"],
)
def test_who_leaves_without_a_word_judged_what_the_other_had_said(
    scene: Callable[[], Scene], side: Side, causes: list[str]
) -> None:
    (finding,) = said("TLS-TCP-010", ended(scene(), "rst", side))

    assert [other.cause for other in finding.alternatives] == causes


def test_every_rule_of_the_family_has_a_pair() -> None:
    assert {pair.rule for pair in PAIRS} == ids("transport")


@pytest.mark.parametrize("rule", sorted(ids("transport")))
@pytest.mark.parametrize("healthy", [a_story, tls13, lambda: established().story(later=0.1)])
def test_no_rule_accuses_a_healthy_connection(rule: str, healthy: Callable[[], Story]) -> None:
    assert said(rule, healthy()) == []


def test_a_lone_syn_at_the_end_of_the_capture_is_not_yet_unanswered() -> None:
    assert said("TLS-TCP-002", Scene().syn().story(later=0.2)) == []


def test_a_single_syn_that_stays_unanswered_is_only_suspected() -> None:
    (finding,) = said("TLS-TCP-002", Scene().syn().story(later=30))

    assert finding.confidence is Confidence.SUSPECTED


def test_a_doubled_syn_is_no_second_attempt() -> None:
    """On all interfaces at once, and at the end of the capture."""
    twice = Scene().syn().syn()

    assert said("TLS-TCP-002", twice.story(later=0.2)) == []
    assert said("TLS-TCP-002", twice.story(later=30))[0].confidence is Confidence.SUSPECTED
    assert said("TLS-TCP-002", twice.wait(1).syn().story(later=0.2))[0].confidence is _C.INFERRED


def test_a_client_did_not_leave_before_an_answer_that_the_capture_missed() -> None:
    heard = connected().client(m.client_hello()).server(m.server_flight()).ack(CLIENT)
    missed = heard.fin(CLIENT).server(m.alert(0, 1)).heard_last(SERVER).story()
    headline = diagnose(missed, rules.modules()).headline

    assert headline is None or headline.cause != "client_abandoned"


@pytest.mark.parametrize(
    ("version", "type_", "code", "reason"),
    [
        (4, 3, 1, "host unreachable"),
        (4, 3, 3, "port unreachable"),
        (4, 3, 10, "host prohibited"),
        (6, 1, 1, "administratively prohibited"),
        (6, 1, 4, "port unreachable"),
    ],
)
def test_an_icmp_error_names_its_reporter_and_reason(
    version: int, type_: int, code: int, reason: str
) -> None:
    reporter = "2001:db8::1" if version == 6 else "203.0.113.9"
    story = Scene().syn().icmp(type_, code, reporter, version).story()
    (finding,) = said("TLS-TCP-003", story)

    assert reporter in finding.title
    assert reason in finding.title
    assert finding.evidence[0].frame == 2


def test_an_icmp_error_after_the_connection_was_made_rejects_nothing() -> None:
    assert said("TLS-TCP-003", connected().icmp(3, 1).story()) == []


@pytest.mark.parametrize("way", ["fin", "rst"])
def test_a_server_that_closes_on_accept_is_accused_however_it_does(way: str) -> None:
    assert said("TLS-TCP-004", ended(connected(), way, SERVER))
    assert not said("TLS-TCP-005", ended(connected(), way, SERVER))


@pytest.mark.parametrize(
    ("way", "side", "after"),
    [("fin", SERVER, 30.0), ("rst", SERVER, 30.0), ("rst", CLIENT, 0.0), ("silence", CLIENT, 0.0)],
)
def test_a_client_without_a_hello_is_told_however_it_ends(
    way: str, side: Side, after: float
) -> None:
    (finding,) = said("TLS-TCP-005", ended(connected(), way, side, after))

    assert finding.failing_side is FailingSide.CLIENT


def test_an_alert_in_answer_to_a_client_that_left_changes_nothing() -> None:
    left = connected().wait(2).fin(CLIENT).server(m.alert(50)).rst(CLIENT).story()
    waited = connected().wait(30).server(m.alert(10)).fin(SERVER).story()
    greeted = connected().server(b"220 mail ESMTP\r\n").wait(2).fin(CLIENT).story()

    for story in (left, waited):
        judged = diagnose(story, rules.modules())
        assert judged.headline is not None
        assert (judged.headline.cause, outcome(story, judged.headline)) == (
            "client_never_hello",
            "failed",
        )
    assert said("TLS-TCP-005", greeted) == []


def test_a_client_that_takes_leave_after_a_long_wait_was_kept_waiting() -> None:
    leave = m.alert(90, 1), m.alert(0, 1)  # JSSE: user_canceled, then close_notify
    patient = offered().wait(5).client(leave[0]).client(leave[1]).fin(CLIENT).story()
    hasty = offered().client(leave[0]).client(leave[1]).fin(CLIENT).story()

    for story, cause in ((patient, "handshake_timeout"), (hasty, "client_abandoned")):
        headline = diagnose(story, rules.modules()).headline
        assert headline is not None
        assert headline.cause == cause


def test_a_reset_with_a_strange_ttl_came_from_the_network() -> None:
    (finding,) = said("TLS-TCP-007", offered().rst(SERVER, ttl=51).story())

    assert (finding.failing_side, finding.remedy_side) == (_F.NETWORK, _R.NETWORK)
    assert finding.confidence is Confidence.INFERRED
    assert any("TTL 51" in evidence.text for evidence in finding.evidence)


def test_a_side_that_goes_on_after_its_reset_did_not_send_it() -> None:
    flight = m.server_flight()
    hello = offered().rst(SERVER).server(flight).rst(CLIENT).story()
    middle = offered().server(flight[:200]).rst(SERVER).server(flight[200:]).rst(CLIENT).story()

    for rule, story in (("TLS-TCP-007", hello), ("TLS-TCP-010", middle)):
        (finding,) = said(rule, story)
        assert (finding.failing_side, finding.remedy_side) == (_F.NETWORK, _R.NETWORK)
        assert "a device in between" in finding.title


@pytest.mark.parametrize(
    ("ttl", "cause"), [(64, "client_abandoned"), (243, "rst_after_client_hello")]
)
def test_a_reset_in_the_name_of_the_client_is_judged_alike(ttl: int, cause: str) -> None:
    headline = diagnose(offered().rst(CLIENT, ttl=ttl).story(), rules.modules()).headline

    assert headline is not None
    assert headline.cause == cause


@pytest.mark.parametrize("bare", [False, True])
def test_a_reset_that_only_answers_says_that_the_connection_was_gone_before(bare: bool) -> None:
    headline = diagnose(offered().rst(CLIENT, bare=bare).story(), rules.modules()).headline

    assert headline is not None
    assert headline.cause == "client_abandoned"
    assert (headline.confidence is Confidence.SUSPECTED) == bare
    assert ("rst_after_client_hello" in {a.cause for a in headline.alternatives}) == bare


def test_an_answer_that_was_captured_behind_the_reset_was_sent_before() -> None:
    scene = offered().say(SERVER, m.server_flight(), captured=False).rst(SERVER)

    assert said("TLS-TCP-007", scene.instead(SERVER, m.server_flight()).story()) == []


@pytest.mark.parametrize("ttl", [57, 56, 58, 248])
def test_a_ttl_that_fits_the_way_of_the_server_accuses_the_server(ttl: int) -> None:
    """248 is as many hops below 255 as 57 is below 64: stacks may reset with another initial TTL."""
    (finding,) = said("TLS-TCP-007", offered().rst(SERVER, ttl=ttl).story())

    assert finding.failing_side is FailingSide.SERVER


def test_a_reset_of_a_large_hello_may_be_about_its_size() -> None:
    large = offered(m.client_hello_13(large=True)).rst(SERVER).story()
    causes = [a.cause for f in said("TLS-TCP-007", large) for a in f.alternatives]
    usual = [a.cause for f in said("TLS-TCP-007", hello_unanswered("rst")) for a in f.alternatives]

    assert "mtu_black_hole" in causes
    assert "mtu_black_hole" not in usual


@pytest.mark.parametrize(
    ("scene", "side", "phase"),
    [
        (offered, FailingSide.SERVER, Phase.CLIENT_HELLO),
        (answered, FailingSide.CLIENT, Phase.SERVER_CERTIFICATE),
        (finished_by_client, FailingSide.SERVER, Phase.FINISHED),
    ],
)
def test_silence_names_the_side_that_was_to_speak(
    scene: Callable[[], Scene], side: FailingSide, phase: Phase
) -> None:
    (finding,) = said("TLS-TCP-008", ended(scene(), "silence", CLIENT))

    assert (finding.failing_side, finding.phase) == (side, phase)


@pytest.mark.parametrize("after", [0.0, 6.0], ids=["before the flight", "long after it"])
def test_a_client_that_leaves_without_a_word_judged_only_what_it_had_just_read(
    after: float,
) -> None:
    """Its FIN before the server's flight, and one that came too late for a judgement."""
    early = offered().fin(CLIENT).server(m.server_flight()).rst(CLIENT).story()
    story = ended(answered(), "fin", CLIENT, after=after) if after else early
    headline = diagnose(story, rules.modules()).headline

    assert headline is not None
    assert headline.failing_side is FailingSide.CLIENT
    assert headline.cause == ("handshake_timeout" if after else "client_abandoned")
    assert headline.phase is (Phase.SERVER_CERTIFICATE if after else Phase.CLIENT_HELLO)


def test_a_server_that_never_spoke_tls_may_speak_something_else() -> None:
    """Redis in clear waits for the end of a line, which a ClientHello need not have."""
    known = Neighbours(server=SeenWith(established=1))
    (mute,) = said("TLS-TCP-008", offered().wait(6).fin(CLIENT).story())
    (hung,) = said("TLS-TCP-008", offered().wait(6).fin(CLIENT).story(neighbours=known))
    (midway,) = said("TLS-TCP-008", finished_by_client().wait(6).fin(CLIENT).story())

    assert [a.cause for a in mute.alternatives] == ["tls_to_plaintext", "packet_loss_fatal"]
    assert [f.confidence for f in (mute, hung, midway)] == [_C.SUSPECTED, _C.INFERRED, _C.INFERRED]
    assert "tls_to_plaintext" not in {a.cause for f in (hung, midway) for a in f.alternatives}


@pytest.mark.parametrize(("rule", "way"), [("TLS-TCP-006", "fin"), ("TLS-TCP-007", "rst")])
def test_who_closes_on_a_hello_may_speak_something_else(rule: str, way: str) -> None:
    """Servers of LDAP and PostgreSQL close on a ClientHello, Mosquitto resets."""
    known = Neighbours(server=SeenWith(established=1))
    stories = (hello_unanswered(way), replace(hello_unanswered(way), neighbours=known))
    found = [said(rule, story)[0] for story in stories]

    assert ["tls_to_plaintext" in {a.cause for a in f.alternatives} for f in found] == [True, False]


def test_silence_proves_nothing_when_the_capture_ends_with_it() -> None:
    assert said("TLS-TCP-008", offered().story(later=0.5)) == []


def test_an_alert_of_the_waiting_side_after_long_silence_is_its_timeout() -> None:
    story = offered().wait(10).client(m.alert(90)).fin(CLIENT).story()
    (finding,) = said("TLS-TCP-008", story)

    assert finding.failing_side is FailingSide.SERVER


def test_a_large_hello_that_never_arrives_is_a_black_hole() -> None:
    story = starving(connected(), m.client_hello_13(large=True), "client")

    assert [f.cause for f in said("TLS-TCP-011", story)] == ["mtu_black_hole"]


def test_one_retransmission_is_no_starvation() -> None:
    story = starving(offered(), full_segment(), times=1)

    assert said("TLS-TCP-011", story) == []
    assert said("TLS-TCP-012", story) == []


def lost_answer() -> Story:
    """Two SYNs whose answer never reaches the client."""
    scene = Scene().syn().answer().wait(1).syn().answer()
    return scene.story()


def test_an_answer_that_never_arrives_is_the_networks() -> None:
    (finding,) = said("TLS-TCP-002", lost_answer())

    assert finding.failing_side is FailingSide.NETWORK
    assert said("TLS-TCP-005", lost_answer()) == []


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(offered().only(CLIENT).story(), id="silence"),
        pytest.param(offered().fin(CLIENT).only(CLIENT).story(), id="fin"),
        pytest.param(answered().fin(SERVER).only(SERVER).story(), id="server only"),
        pytest.param(
            offered().server(full_segment(), cut=1460).ack(CLIENT).fin(CLIENT).story(), id="cut"
        ),
    ],
)
def test_nobody_is_accused_of_what_the_capture_hides(story: Story) -> None:
    headline = diagnose(story, rules.modules()).headline

    assert headline is not None
    assert not headline.failure
    assert outcome(story, headline) == "incomplete"


@pytest.mark.parametrize(
    ("side", "after", "cause"),
    [
        (CLIENT, 2, "handshake_timeout"),
        (CLIENT, 0, "client_abandoned"),
        (SERVER, 4, "server_closed_silently"),
        (SERVER, 20, "handshake_timeout"),
    ],
)
def test_who_waits_loses_patience_sooner_than_who_works(
    side: Side, after: float, cause: str
) -> None:
    headline = diagnose(hello_unanswered("fin", side, after), rules.modules()).headline

    assert headline is not None
    assert headline.cause == cause


def test_a_packet_that_travels_too_far_is_rejected() -> None:
    assert said("TLS-TCP-003", Scene().syn().icmp(11, 0).story())


def test_who_was_not_captured_did_not_fail_to_acknowledge() -> None:
    scene = answered()
    for _ in range(3):
        scene.wait(0.3).again(SERVER)
    story = scene.fin(SERVER).only(SERVER).story()

    assert said("TLS-TCP-011", story) == []
    assert said("TLS-TCP-012", story) == []


def test_a_syn_that_was_sent_again_tells_nothing_of_bytes_that_nobody_saw() -> None:
    """The capture ends before the client sends again what the server's selective acknowledgment asks for."""
    scene = Scene().syn().wait(1).connect().client(m.client_hello()).ack(SERVER)
    scene.server(m.server_flight()).ack(CLIENT)
    scene.client(m.switch(), captured=False, received=False)
    story = scene.client(m.finished()[6:] + m.sealed_alert(), received=False).fin(CLIENT).story(0.3)

    assert story.timeline.retransmissions[CLIENT]
    assert said("TLS-TCP-012", story) == []


def test_what_a_capture_misses_of_a_quick_connection_was_not_lost_on_the_way() -> None:
    scene = offered().server(m.server_flight()).ack(CLIENT)
    scene.say(CLIENT, m.client_flight(), received=False, captured=False)
    story = scene.say(CLIENT, m.alert(0, 1), received=False).fin(CLIENT).story()

    assert any(gap.acknowledged is False for gap in story.timeline.gaps[CLIENT])
    assert said("TLS-TCP-012", story) == []


@pytest.mark.parametrize("known_by", ["fin", "acknowledgment"])
def test_an_answer_that_the_capture_missed_is_no_silence(known_by: str) -> None:
    scene = offered().say(SERVER, m.alert(40), captured=False)
    story = (scene.fin(SERVER) if known_by == "fin" else scene.ack(CLIENT)).fin(CLIENT).story()

    assert "server_bytes" in story.hidden
    for rule in ("TLS-TCP-006", "TLS-TCP-007", "TLS-TCP-009", "TLS-TCP-008"):
        assert findings_of(rules.modules()[rule], story) == []
    assert "server_bytes" not in a_story().hidden


def test_an_answer_that_came_too_late_does_not_excuse_the_silence_before() -> None:
    """The client ran out of patience; the server's flight crossed its close, or came behind it."""
    late = offered().wait(2).fin(CLIENT).wait(5).server(m.server_flight()).rst(CLIENT).story()
    headline = diagnose(late, rules.modules()).headline

    assert headline is not None
    assert (headline.cause, headline.failing_side) == ("handshake_timeout", FailingSide.SERVER)
    assert headline.phase is Phase.CLIENT_HELLO
    assert "server_hello was due" in headline.title
    assert headline.evidence[0].text.startswith("client sent client_hello")


def test_a_close_that_acknowledges_an_answer_came_behind_it_whichever_was_captured_first() -> None:
    """Each direction by itself, as from the two outlets of a tap: the order of frames proves nothing."""
    scene = offered().say(SERVER, m.alert(70), captured=False).fin(CLIENT)
    refused = scene.instead(SERVER, m.alert(70)).story()
    scene = offered().say(SERVER, m.server_flight(), captured=False).fin(CLIENT)
    judged = scene.instead(SERVER, m.server_flight()).story()
    slammed = offered().fin(SERVER).fin(CLIENT).crossed().story()

    told = [diagnose(story, rules.modules()).headline for story in (refused, judged, slammed)]

    assert [(h.cause, h.failing_side) for h in told if h is not None] == [
        ("protocol_version", FailingSide.SERVER),
        ("untrusted_ca", FailingSide.CLIENT),
        ("server_closed_silently", FailingSide.SERVER),
    ]


def test_bytes_that_were_sent_again_behind_a_close_prove_nothing_of_the_order() -> None:
    scene = answered().fin(CLIENT)

    assert scene.again(SERVER).story().ending.proven == 0


def unheard(scene: Scene, side: Side) -> Story:
    """A side closes, and again, and again; its peer's host acknowledges none of it."""
    for pause in (0.2, 0.4, 0.8):
        scene.fin(side).wait(pause)
    return scene.story()


def test_a_host_that_does_not_acknowledge_a_close_is_out_of_reach_and_not_just_busy() -> None:
    for story in (unheard(offered().wait(8), CLIENT), unheard(answered().wait(8), SERVER)):
        headline = diagnose(story, rules.modules()).headline

        assert headline is not None
        assert (headline.cause, headline.confidence) == ("packet_loss_fatal", _C.SUSPECTED)
        assert "handshake_timeout" in {other.cause for other in headline.alternatives}
        assert "closed 3 times" in headline.explanation


def test_a_close_that_nobody_hears_does_not_unsay_a_prompt_refusal() -> None:
    headline = diagnose(unheard(offered(), SERVER), rules.modules()).headline

    assert headline is not None
    assert headline.cause == "server_closed_silently"


@pytest.mark.parametrize("rule", ["TLS-TCP-005", "TLS-TCP-008"])
def test_where_nobody_ever_closes_the_path_may_have_broken(rule: str) -> None:
    scene = connected() if rule == "TLS-TCP-005" else offered()
    (finding,) = said(rule, scene.story())

    assert finding.confidence is Confidence.SUSPECTED
    assert "packet_loss_fatal" in {other.cause for other in finding.alternatives}


def test_a_handshake_whose_last_message_never_arrives_did_not_complete() -> None:
    """TLS 1.3: only the server's acknowledgment could tell that it got the client's Finished."""
    scene = answered13().client(m.switch(), m.sealed(m.FINISHED_13), received=False)
    once = scene.again(CLIENT).story(later=0.1)
    often = scene.wait(0.4).again(CLIENT).wait(0.8).again(CLIENT).story()
    headline = diagnose(often, rules.modules()).headline

    assert (once.completed, often.completed) == (True, False)
    assert headline is not None
    assert (headline.cause, headline.phase) == ("packet_loss_fatal", Phase.FINISHED)


def test_a_half_open_scan_is_no_device() -> None:
    """nmap writes the SYN, with any TTL; the host behind it resets what it knows nothing of."""
    story = Scene().syn().answer().rst(CLIENT, ttl=48, bare=True).story()
    (finding,) = said("TLS-TCP-005", story)

    assert (finding.failing_side, finding.remedy_side) == (FailingSide.CLIENT, RemedySide.CLIENT)
    assert "device" not in finding.title
    assert "port scanners" in finding.explanation
    assert finding.alternatives[0].cause == "fine"


def test_a_device_that_swallows_the_hello_and_resets_is_not_the_client() -> None:
    (device,) = said("TLS-TCP-005", connected().rst(CLIENT, ttl=243).story())
    (client,) = said("TLS-TCP-005", connected().rst(CLIENT).story())

    assert (device.failing_side, device.remedy_side) == (_F.NETWORK, _R.NETWORK)
    assert device.confidence is Confidence.SUSPECTED
    assert device.alternatives[0].cause == "rst_after_client_hello"
    assert client.failing_side is FailingSide.CLIENT


def test_a_client_that_went_on_after_its_syn_was_not_refused() -> None:
    story = Scene().syn().ack(CLIENT).rst(SERVER).story()

    assert said("TLS-TCP-001", story) == []
    assert story.timeline.end == "rst"


def test_who_is_first_seen_closing_may_have_said_anything_before() -> None:
    """SYN-ACK and answer are missing from the capture, and nothing tells how long they were."""
    scene = Scene().syn().ack(CLIENT).client(m.client_hello())
    story = scene.say(SERVER, m.alert(112), captured=False).fin(SERVER).fin(CLIENT).story()

    assert "server_bytes" in story.hidden
    assert findings_of(rules.modules()["TLS-TCP-006"], story) == []


def test_what_the_server_acknowledges_was_said_although_the_capture_missed_it() -> None:
    """The client's SYN is missing, too: the SYN-ACK tells where its bytes began."""
    story = Scene().answer().say(CLIENT, m.client_hello(), captured=False).rst(SERVER).rst(CLIENT)

    assert "client_bytes" in story.story().hidden
    assert findings_of(rules.modules()["TLS-TCP-004"], story.story()) == []


def test_a_connection_that_stays_half_open_is_told() -> None:
    scene = Scene().syn().answer().wait(1).answer()
    doubled, open_ = scene.story(), scene.wait(2).answer().story()
    (finding,) = said("TLS-TCP-002", open_)

    assert said("TLS-TCP-002", doubled) == []
    assert finding.confidence is Confidence.SUSPECTED
    assert "never confirms" in finding.title


def test_a_server_that_ignores_all_behind_the_syn_may_have_a_full_queue() -> None:
    scene = connected().wait(1).answer().say(CLIENT, m.client_hello(), received=False)
    full = scene.wait(0.4).again(CLIENT).wait(0.8).again(CLIENT).story()
    (crowded,), (lost,) = said("TLS-TCP-012", full), said("TLS-TCP-012", lost_hello())

    assert any("ListenOverflows" in text for text in crowded.remedy)
    assert not any("ListenOverflows" in text for text in lost.remedy)


def lost_hello() -> Story:
    """A ClientHello that never arrives."""
    return starving(connected(), m.client_hello(), "client")


@pytest.mark.parametrize(("first", "told"), [(1300, True), (500, False)])
def test_of_a_large_hello_only_the_small_end_arrives_behind_a_black_hole(
    first: int, told: bool
) -> None:
    hello = m.client_hello_13(large=True)
    scene = connected().say(CLIENT, hello[:first], received=False, captured=False)
    story = (
        scene.say(CLIENT, hello[first : first + 100], received=False).wait(8).fin(CLIENT).story()
    )

    assert [f.phase for f in said("TLS-TCP-011", story)] == [Phase.CLIENT_HELLO] * told


def test_packets_that_come_doubled_are_no_starvation() -> None:
    """The network delivers each twice, at once; the client's alert is answered by RST alone."""
    scene = answered().say(CLIENT, m.alert(48), received=False).again(CLIENT).again(CLIENT)
    headline = diagnose(scene.rst(SERVER).story(), rules.modules()).headline

    assert headline is not None
    assert headline.cause == "untrusted_ca"


def test_a_close_that_comes_doubled_was_sent_once() -> None:
    scene = offered().wait(8).fin(CLIENT).fin(CLIENT).fin(CLIENT)

    assert scene.story(later=0.1).timeline.vain_closes[CLIENT] == 0
    assert said("TLS-TCP-008", scene.story(later=0.1))


def test_a_reset_of_the_connection_before_on_the_same_ports_ends_nothing() -> None:
    """It comes behind the new SYN, with a sequence number that no window holds."""
    scene = connected()
    old = scene.rst(CLIENT, ttl=60).evidence()
    story = closed(used(_greeted(scene))).evidence()
    stray = old.events[-1]._replace(sequence=1000 - 178_196)
    events = tuple(stray if e.frame == stray.frame else e for e in story.events)
    told = tell(story._replace(events=events), scene.time)

    assert told.timeline.rsts == {}
    assert (told.completed, told.ending.way) == (True, Way.ENCRYPTED_ALERT)


def _greeted(scene: Scene) -> Scene:
    """A complete TLS 1.2 handshake on a connection that was made."""
    scene.client(m.client_hello()).ack(SERVER).server(m.server_flight()).ack(CLIENT)
    return scene.client(m.client_flight()).ack(SERVER).server(m.finished()).ack(CLIENT)


def test_a_client_judged_nothing_that_crossed_its_close_on_the_way() -> None:
    """At the server: the flight is captured before a FIN that does not acknowledge it."""
    scene = offered().wait(0.3).fin(CLIENT).story()
    hasty = _crossing(0.3), _crossing(2)
    told = [diagnose(story, rules.modules()).headline for story in hasty]

    assert scene.ending.unheard == 0
    assert [(h.cause, h.failing_side, h.phase) for h in told if h is not None] == [
        ("client_abandoned", FailingSide.CLIENT, Phase.CLIENT_HELLO),
        ("handshake_timeout", FailingSide.SERVER, Phase.CLIENT_HELLO),
    ]


def _crossing(after: float) -> Story:
    """A client leaves while the server's flight is on its way."""
    scene = offered().wait(after)
    story = scene.fin(CLIENT).server(m.server_flight(), received=False).evidence()
    close, (flight,) = story.events[-1], story.halves[1].pieces
    events = (*story.events[:-1], close._replace(frame=close.frame + 1))
    late = flight._replace(frames=(close.frame,), times=(close.time,))
    halves = story.halves[0]._replace(last_frame=close.frame + 1), story.halves[1]
    halves = halves[0], halves[1]._replace(pieces=(late,), last_frame=close.frame)
    return tell(story._replace(events=events, halves=halves), scene.time + 60_000_000_000)


@pytest.mark.parametrize("scene", [answered, answered13])
def test_a_client_that_leaves_without_a_word_may_have_had_no_need_of_it(
    scene: Callable[[], Scene],
) -> None:
    """Pools of Go dial ahead, and close what they do not need in mid-handshake."""
    headline = diagnose(ended(scene(), "rst", CLIENT), rules.modules()).headline

    assert headline is not None
    assert (headline.phase, headline.confidence) == (_P.SERVER_CERTIFICATE, _C.SUSPECTED)
    assert "fine" in {other.cause for other in headline.alternatives}


@pytest.mark.parametrize(
    "scene",
    [
        pytest.param(ended(connected(), "rst", CLIENT), id="probed"),
        pytest.param(ended(connected(), "fin", SERVER), id="closed on accept"),
        pytest.param(
            ended(connected().client(b"GET / HTTP/1.1\r\n\r\n").ack(SERVER), "rst", SERVER),
            id="unanswered",
        ),
    ],
)
def test_what_fails_at_a_server_of_plain_text_is_no_matter_of_tls(scene: Story) -> None:
    """As the health checks of a backend without TLS."""
    asked = connected().client(b"GET / HTTP/1.1\r\n\r\n").ack(SERVER)
    plain = asked.server(b"HTTP/1.1 200 OK\r\n\r\n").fin(SERVER).fin(CLIENT).story()
    told = []
    for others in ([plain], [plain, a_story()], [a_story()]):
        stories = [replace(one, stream=n, start=n) for n, one in enumerate([scene, *others])]
        seen = introduced(stories[0], survey(stories))
        told.append(outcome(seen, diagnose(seen, rules.modules()).headline))

    assert told == ["not_tls", "failed", "failed"]


def test_a_server_that_answers_others_may_be_overloaded() -> None:
    """Linux leaves SYNs without an answer while a program does not accept what waits."""
    syns = Scene().syn().wait(1).syn()
    alone = said("TLS-TCP-002", syns.story())[0]
    pair = Neighbours(pair=SeenWith(failed=2))
    (finding,) = said("TLS-TCP-002", syns.story(neighbours=pair))

    assert "overloaded" in finding.explanation
    assert "ListenOverflows" in finding.remedy[0]
    assert "overloaded" not in alone.explanation
