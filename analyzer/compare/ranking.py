"""Which difference explains the failure: by what the diagnosis says, then by what each tells.

Each cause leads to parts of the comparison. A difference there comes first. Where the diagnosis
leads to a part in which nothing differs to the eye (a trust store, an encrypted certificate), that is
said, and the visible differences follow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from analyzer.compare import answers, offers, path
from analyzer.compare.difference import Difference
from analyzer.diagnosis.causes import PARENTS
from analyzer.judging import Judged
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Story

_OWN = "server_certificate."
_CLIENT = "client_certificate."
# For each cause the parts that can explain it, the likeliest first; a part ends with a dot where
# all below it can. Then, where nothing of it is visible, what must differ by the diagnosis.
LEADS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "cert_expired": ((f"{_OWN}validity",), "the server's certificate, or the client's clock"),
    "cert_not_yet_valid": ((f"{_OWN}validity",), "the server's certificate, or the client's clock"),
    "intermediate_expired": ((f"{_OWN}intermediate_validity", f"{_OWN}chain"), "a certificate between the server's and its root"),
    "untrusted_ca": ((f"{_OWN}anchor", f"{_OWN}issuer", f"{_OWN}chain"), "the authority of the server's certificate, or the roots that the client trusts"),
    "incomplete_chain": ((f"{_OWN}chain", f"{_OWN}flaw.missing_issuer", f"{_OWN}anchor"), "the intermediates that the server sends"),
    "self_signed": ((f"{_OWN}flaw.self_signed", f"{_OWN}issuer"), "the issuer of the server's certificate"),
    "hostname_mismatch": ((f"{_OWN}name_match", "offer.sni", f"{_OWN}names"), "the name that the client expects, or those in the certificate"),
    "wrong_key_cert_usage": ((f"{_OWN}usage",), "what the server's certificate may be used for"),
    "weak_cert_key": ((f"{_OWN}flaw.weak_key", f"{_OWN}key"), "the key of the server's certificate"),
    "sha1_signature": ((f"{_OWN}flaw.weak_signature", f"{_OWN}signature"), "the signature of the server's certificate"),
    "cert_revoked": ((f"{_OWN}staple", f"{_OWN}serial"), "the status of the server's certificate"),
    "revoked_staple": ((f"{_OWN}staple",), "the status in the server's OCSP answer"),
    "staple_missing": ((f"{_OWN}staple", f"{_OWN}must_staple"), "the server's OCSP answer"),
    "name_constraints": ((f"{_OWN}flaw.name_constraints", f"{_OWN}anchor"), "the names that an authority of the server's may certify"),
    "invalid_ca": ((f"{_OWN}flaw.",), "an authority in the server's chain"),
    "critical_extension": ((f"{_OWN}flaw.unknown_critical_extension", f"{_OWN}unknown_critical"), "a critical extension of the server's certificate"),
    "server_certificate_rejected": ((_OWN,), "the server's certificate, or what the client makes of it"),
    "client_cert_missing": ((f"{_CLIENT}shown", f"{_CLIENT}request"), "whether the client has a certificate to show"),
    "client_certificate_rejected": ((_CLIENT,), "the client's certificate, or what the server makes of it"),
    "client_cert_untrusted": ((f"{_CLIENT}anchor", f"{_CLIENT}issuer", _CLIENT), "the authority of the client's certificate"),
    "no_shared_cipher": (("offer.cipher_suites", "offer.versions"), "the suites that the server takes"),
    "protocol_version": (("offer.versions", "choice.version"), "the versions that the server takes"),
    "inappropriate_fallback": (("offer.fallback_scsv", "offer.versions"), "the versions of both sides"),
    "sni_unrecognized": (("offer.sni",), "the names that the server knows"),
    "sni_missing": (("offer.sni",), "whether the client names the server"),
    "no_shared_group": (("offer.groups", "offer.key_shares"), "the groups that the server takes"),
    "no_shared_sigalg": (("offer.signature_algorithms", f"{_OWN}key"), "the signatures that the server can make"),
    "dh_key_too_small": (("choice.dh_bits",), "the server's Diffie-Hellman group"),
    "alpn_mismatch": (("offer.alpn", "choice.alpn"), "the protocols that the server takes by ALPN"),
    "psk_unknown": (("offer.psk",), "the pre-shared keys that the server knows"),
    "psk_wrong_key": (("offer.psk",), "the pre-shared key of one side"),
    "legacy_renegotiation": (("choice.secure_renegotiation", "offer.secure_renegotiation"), "secure renegotiation on the server"),
    "ems_required": (("choice.extended_master_secret", "offer.extended_master_secret"), "extended master secret on one side"),
    "ech_rejected": ((), "the keys of the server for encrypted hellos"),
    "server_no_certificate": (("offer.cipher_suites", "offer.signature_algorithms", "offer.sni"), "the server's certificate"),
    "server_internal": ((), "the server's own state; its log says what"),
    "tampered": (("path.",), "what lies in the path and changes bytes, or the server's key"),
    "plaintext_http_to_tls": (("prelude.",), "what the client speaks"),
    "plaintext_other_to_tls": (("prelude.",), "what the client speaks"),
    "tls_to_plaintext": (("prelude.",), "what the server speaks on that port"),
    "upgrade_failed": (("prelude.",), "what is said before TLS"),
    "negotiation_failed": (("offer.", "choice."), "the settings of the server"),
    "connection_refused": (("path.syn",), "whether the server listens"),
    "syn_timeout": (("path.syn",), "whether the server, or a firewall, lets the client in"),
    "icmp_rejected": (("path.syn",), "a filter in the path"),
    "rst_after_client_hello": (("path.reset_ttl", "offer.", "path.reset"), "what the server, or a box before it, makes of the offer"),
    "server_closed_silently": (("offer.sni", "offer.versions", "offer.cipher_suites", "offer.", "path.end"), "what the server makes of the offer; its log says"),
    "server_closed_on_accept": (("path.end",), "whether the server is well, and whom it lets in"),
    "rst_mid_handshake": (("path.reset_ttl", "path.reset"), "a box in the path, or the state of one side"),
    "mtu_black_hole": (("path.mss", "path.unacknowledged", "path.retransmissions"), "the size of packets that the path carries"),
    "packet_loss_fatal": (("path.unacknowledged", "path.retransmissions"), "the path"),
    "handshake_timeout": (("path.silence", "path.end"), "what keeps the silent side from answering"),
    "client_abandoned": (("path.silence", "path.end"), "how long the client waits"),
    "transport": (("path.end", "path."), "the path, or the state of one side"),
    "renegotiation_refused": (("choice.secure_renegotiation", "path.end"), "whether the server lets clients renegotiate"),
    "after_handshake": (("path.end", _CLIENT), "what one side does after the handshake"),
}  # fmt: skip
_WEIGHT: Final = {
    "server_certificate": 5,
    "choice": 4,
    "offer": 4,
    "client_certificate": 4,
    "prelude": 4,
    "path": 2,
    "times": 1,
    "server": 5,
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two connections side by side. ``differences`` come the best explanation first."""

    good: Judged
    bad: Judged
    differences: tuple[Difference, ...]
    departure: str


def compare(good: Judged, bad: Judged) -> Comparison:
    """Compare a connection that went well with one that did not."""
    a, b = good.story, bad.story
    parts = (
        *(offers.offers(a, b), answers.choices(a, b), answers.certificates(a, b)),
        *(answers.client_certificates(a, b), path.preludes(a, b), path.paths(a, b)),
        path.times(a, b),
    )
    found = [difference for part in parts for difference in part]
    return Comparison(good, bad, ranked(found, good, bad), departure(a, b))


def ranked(differences: Iterable[Difference], good: Judged, bad: Judged) -> tuple[Difference, ...]:
    """The differences, the best explanation first; equal ones once."""
    headline = bad.diagnosis.headline
    cause = headline.cause if headline is not None and bad.outcome == "failed" else ""
    leads, what = _leads(cause)
    unique = {(d.part, d.text): d for d in differences}.values()
    explaining = [d for d in unique if _place(d, leads) < len(leads) and d.telling > 0]
    rest = [d for d in unique if d not in explaining]
    explaining.sort(key=lambda d: (_place(d, leads), -d.telling))
    rest.sort(key=lambda d: (-d.telling, -_WEIGHT[d.part.partition(".")[0]]))
    if headline is None or explaining or not what:
        return (*explaining, *rest)
    if _same_offer(unique) and PARENTS.get(cause, cause) == "negotiation_failed":
        return (_server_changed(what), *rest)
    part = (leads[0] if leads else cause).rstrip(".")
    text = f"by the diagnosis it is {what}; {_unseen(part, good.story, bad.story)}"
    side = headline.remedy_side.value
    return (Difference(part, side, "", "", text, 2, shown=False), *rest)


def _unseen(part: str, good: Story, bad: Story) -> str:
    """Why no difference is visible where the diagnosis leads."""
    if part.startswith("server_certificate"):
        chains = {"good": good.server_chain, "failing": bad.server_chain}
        blind = [name for name, chain in chains.items() if chain is None]
        if blind:
            whose = "either one" if len(blind) == 2 else f"the {blind[0]} one"
            return f"the certificate of {whose} is not visible, so the two cannot be compared"
        return "both servers showed the same in this, so look at what the client makes of it"
    return "nothing in the two captures shows a difference there"


def _same_offer(differences: Iterable[Difference]) -> bool:
    return not any(d.part.startswith("offer.") and d.telling for d in differences)


def _server_changed(what: str) -> Difference:
    """The same offer was taken before: whatever the alert says, the server is what changed."""
    text = (
        "both clients offer the same, and the server took it in the good one: what changed is on the "
        f"server, in its settings or its certificate (by the diagnosis: {what})"
    )
    return Difference("server.settings", "server", "took the offer", "refused it", text, 3)


def _leads(cause: str) -> tuple[tuple[str, ...], str]:
    """Where to look for a cause: its own parts first, then those of its parent."""
    parent = LEADS.get(PARENTS.get(cause, ""), ((), ""))
    own = LEADS.get(cause, parent)
    return tuple(dict.fromkeys((*own[0], *parent[0]))), own[1]


def _place(difference: Difference, leads: tuple[str, ...]) -> int:
    for place, lead in enumerate(leads):
        if difference.part == lead or (lead.endswith(".") and difference.part.startswith(lead)):
            return place
    return len(leads)


def departure(good: Story, bad: Story) -> str:
    """Where the two part: the last step that both have, and what each does then."""
    a, b = (_steps(story) for story in (good, bad))
    common = 0
    while common < min(len(a), len(b)) and a[common] == b[common]:
        common += 1
    last = f"after {_step(a[common - 1])}" if common else "from the first packet on"
    then = [_step(steps[common]) if common < len(steps) else _ending(story)
            for steps, story in ((a, good), (b, bad))]  # fmt: skip
    return f"They part {last}: the good one goes on with {then[0]}, the failing one with {then[1]}."


def _steps(story: Story) -> list[tuple[Side, str]]:
    return [(message.sender, message.name) for message in story.messages]


def _step(step: tuple[Side, str]) -> str:
    return f"{step[1]} of the {step[0].value}"


def _ending(story: Story) -> str:
    side = f" of the {story.ending.side.value}" if story.ending.side else ""
    return f"{story.ending.way.value}{side}"
