"""Alerts: two bytes in, names and meanings out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tls.message.alert import MEANINGS, decode_alert, meaning
from analyzer.tls.registry.code_points import AlertDescription, AlertLevel


def test_an_alert_has_a_level_and_a_description() -> None:
    alert = decode_alert(b"\x02\x30")

    assert alert.level is AlertLevel.FATAL
    assert alert.description is AlertDescription.UNKNOWN_CA
    assert alert.name == "unknown_ca"


@given(st.binary(max_size=4))
def test_any_bytes_give_an_alert(data: bytes) -> None:
    alert = decode_alert(data)

    assert bytes((alert.level, alert.description)) == (data + b"\0\0")[:2]
    assert meaning(alert.description)


@pytest.mark.parametrize("description", list(AlertDescription.__members__.values()))
def test_every_registered_alert_has_a_meaning(description: AlertDescription) -> None:
    assert description in MEANINGS
    assert meaning(description).endswith(".")
