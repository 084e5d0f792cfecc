"""Third-party captures whose TLS tshark does not dissect unasked: told all the same."""

from __future__ import annotations

from typing import Final

import pytest

from analyzer.pipeline import Analysis
from tests.support.shared import shared

pytestmark = [pytest.mark.corpus]

# (capture, signature of its first TLS connection, what was said before TLS)
BLIND: Final = (
    ("zeek-zeek__testing__btest__Traces__rdp__rdp-no-cookie-mstshash.pcap", "CsxnGIi", "rdp"),
    ("zeek-zeek__testing__btest__Traces__websocket__wstunnel-https.pcap", "CsiI", "websocket"),
    (
        "OISF-suricata-verify__tests__bug-2512__sample_10.62.112.41_62227.pcap",
        "CG",  # the server's side was not captured
        "http connect",
    ),
    ("ntop-nDPI__tests__cfgs__default__pcap__rdp.pcap", "CsxknGIi", "rdp"),
    ("ntop-nDPI__tests__cfgs__default__pcap__tls_port_80.pcapng", "Cs", None),
)


@pytest.mark.parametrize(("capture", "signature", "before"), BLIND)
def test_tls_that_tshark_does_not_find_is_told(
    capture: str, signature: str, before: str | None
) -> None:
    stories = [one.story for one in Analysis([shared("corpus/tls") / capture]).judged()]
    story = next(story for story in stories if story.is_tls)

    assert story.signature == signature
    assert (story.prelude.protocol if story.prelude else None) == before
