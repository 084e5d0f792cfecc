from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert
from msgspec.structs import replace

from analyzer.errors import UsageError
from analyzer.gate.compare import compare
from analyzer.gate.expectation import Expectation
from analyzer.gate.update import updated
from analyzer.report.schema import Report
from tests.report.reports import CLIENT, SERVER, connection, finding, good, report

TOLD = report(connection(), good(1), good(2))


def expected(**keys: Any) -> Expectation:
    return convert(keys, Expectation)


def differences(expectation: Expectation, told: Report = TOLD) -> list[tuple[str, str, Any, Any]]:
    return [(d.where, d.what, d.expected, d.found) for d in compare(expectation, told)]


def test_an_expectation_that_holds_differs_in_nothing() -> None:
    row = {
        "stream": 0,
        "outcome": "failed",
        "cause": "untrusted_ca",
        "phase": "server_certificate",
        "failing_side": "client",
        "remedy_side": "client",
        "confidence": "inferred",
        "rule": "TLS-CERT-010",
        "version": "TLSv1.2",
        "alpn": "h2",
        "last_message": "server server_hello_done",
        "alerts": ["client unknown_ca"],
    }

    assert differences(expected(counts={"connections": 3, "failed": 1}, connections=[row])) == []


def test_each_difference_has_both_sides() -> None:
    told = expected(connections=[{"stream": 0, "cause": "cert_expired", "phase": "finished"}])

    assert differences(told) == [
        ("stream 0", "cause", "cert_expired", "untrusted_ca"),
        ("stream 0", "phase", "finished", "server_certificate"),
    ]


@pytest.mark.parametrize(
    ("floor", "found", "holds"),
    [
        ("seen", "seen", True),
        ("inferred", "seen", True),
        ("suspected", "inferred", True),
        ("seen", "inferred", False),
        ("inferred", "suspected", False),
        (None, "seen", False),
    ],
)
def test_confidence_is_a_floor(floor: str | None, found: str, holds: bool) -> None:
    told = report(connection(diagnosis=finding(confidence=found)))
    row = {"stream": 0, "confidence": floor}

    assert (differences(expected(connections=[row]), told) == []) is holds


def test_a_list_means_one_of_these() -> None:
    either = {"stream": 0, "cause": ["cert_expired", "untrusted_ca"]}
    neither = {"stream": 0, "cause": ["cert_expired", "self_signed"]}

    assert differences(expected(connections=[either])) == []
    assert len(differences(expected(connections=[neither]))) == 1


@pytest.mark.parametrize("cause", [None, "fine", ["fine", "cert_expired"]])
def test_a_healthy_connection_has_no_cause(cause: Any) -> None:
    assert differences(expected(connections=[{"stream": 1, "cause": cause}])) == []
    assert differences(expected(connections=[{"stream": 0, "cause": cause}])) != []


@pytest.mark.parametrize(
    ("row", "streams"),
    [
        ({"server": SERVER}, [0, 1, 2]),
        ({"server": f"{SERVER}:443"}, [0, 1, 2]),
        ({"server": f"{SERVER}:444"}, []),
        ({"client": f"{CLIENT}:51235"}, [1]),
        ({"client": CLIENT, "sni": "api.example.com"}, [0, 1, 2]),
        ({"sni": "other.example.com"}, []),
        ({}, [0, 1, 2]),
    ],
)
def test_endpoints_and_names_choose(row: dict[str, Any], streams: list[int]) -> None:
    found = differences(expected(connections=[row | {"version": "TLSv1.0"}]))
    if streams:
        assert [where for where, *_ in found] == [f"stream {number}" for number in streams]
    else:
        assert [entry[1:] for entry in found] == [("connections", "at least 1", 0)]


def test_counts_are_of_the_capture_or_of_a_pair_of_ends() -> None:
    told = expected(
        counts={"failed": 0},
        connections=[{"server": SERVER, "counts": {"established": 3}}],
    )

    assert differences(told) == [
        ("capture", "failed", 0, 1),
        (f"server {SERVER}", "established", 3, 2),
    ]


def test_no_connection_at_all_can_be_expected() -> None:
    told = {"server": "192.0.2.9", "counts": {"connections": 0}}

    assert differences(expected(connections=[told])) == []


@pytest.mark.parametrize(("others", "where"), [("any", []), ("healthy", [0]), ("none", [0, 2])])
def test_others_may_be_forbidden(others: str, where: list[int]) -> None:
    told = expected(others=others, connections=[{"stream": 1, "outcome": "established"}])

    assert [entry[0] for entry in differences(told)] == [f"stream {number}" for number in where]


def test_a_stream_that_is_not_there_is_no_difference_but_a_mistake() -> None:
    with pytest.raises(UsageError, match="stream 9: the capture has 0 to 2"):
        differences(expected(connections=[{"stream": 9}]))


WORDS = st.sampled_from(["cert_expired", "untrusted_ca", "fine"])
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "stream": st.integers(0, 4),
        "server": st.sampled_from([SERVER, f"{SERVER}:443", "192.0.2.9"]),
        "outcome": st.sampled_from(["failed", "established"]),
        "cause": st.one_of(WORDS, st.lists(WORDS, max_size=2), st.none()),
        "confidence": st.sampled_from(["seen", "suspected", None]),
        "alerts": st.lists(st.sampled_from(["client unknown_ca", "server encrypted"]), max_size=2),
        "counts": st.fixed_dictionaries({}, optional={"failed": st.integers(0, 3)}),
    },
)


@given(
    st.lists(ROWS, max_size=4),
    st.sampled_from(["any", "healthy", "none"]),
    st.lists(st.booleans(), max_size=3),
)
def test_what_update_writes_holds(
    rows: list[dict[str, Any]], others: str, fates: list[bool]
) -> None:
    told = report(*(connection(n) if bad else good(n) for n, bad in enumerate(fates)))
    before = expected(connections=rows, others=others, counts={"connections": 9})

    assert differences(updated(before, told), told) == []
    assert differences(updated(None, told), told) == []


def test_update_keeps_what_holds_and_what_was_not_asked() -> None:
    row = {"note": "why", "server": SERVER, "cause": ["untrusted_ca", "self_signed", "fine"]}
    before = expected(connections=[row])

    assert updated(before, TOLD) == before


def test_a_list_that_does_not_fit_becomes_what_was_found() -> None:
    before = expected(connections=[{"stream": 0, "cause": ["cert_expired", "self_signed"]}])
    (row,) = updated(before, replace(TOLD)).connections

    assert row.cause == "untrusted_ca"
