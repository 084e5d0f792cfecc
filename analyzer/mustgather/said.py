"""What openssl's output says of a handshake or a chain, in one clause for each run.

The forms are those of 1.0.2 to 3.5: ``s_client``, ``s_server`` and ``verify``, standard error before,
amid or behind standard output. A trap of theirs: without a certificate, and in TLS 1.2 after a refused
one, ``Verify return code: 0 (ok)`` stands below a handshake that failed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from analyzer.datapower.log.reasons import decode_reason
from analyzer.tls.loglines import Reason, Refuser
from analyzer.tls.registry.code_points import AlertDescription

_RUN: Final = re.compile(r"^(?=CONNECTED\(|ACCEPT\r?$)", re.MULTILINE)
_CIPHER: Final = re.compile(r"^New, (\S+), Cipher is (\S+)|^CIPHER is (\S+)", re.MULTILINE)
_PROTOCOL: Final = re.compile(r"^ *Protocol *: *(\S+)", re.MULTILINE)
_UNVERIFIED: Final = re.compile(
    r"verify error:num=(?P<a>\d+):(?P<b>[^\r\n]+)"
    r"|^error (?P<c>\d+) at \d+ depth lookup: ?(?P<d>[^\r\n]+)"
    r"|Verify return code: (?P<e>[1-9]\d*) \((?P<f>[^\r\n)]+)\)",
    re.MULTILINE,
)
_VERIFIED: Final = re.compile(
    r"^(?:\S[^\r\n]*: OK|.*Verify return code: 0 \(ok\))\r?$", re.MULTILINE
)
_UNCONNECTED: Final = re.compile(r"connect:errno=|[Cc]onnection refused|[Cc]onnection timed out")
# What s_client prints only where the server asked for a certificate.
_ASKED: Final = re.compile(
    r"^(?:Acceptable client certificate CA|Requested Signature Algorithms|Client Certificate Types)",
    re.MULTILINE,
)
_NONE: Final = {"(NONE)", "0000"}
_RUNS_MOST: Final = 5


def what_openssl_said(text: str) -> tuple[str, ...]:
    """A clause for each run that says something, the first of them.

    >>> what_openssl_said("error 10 at 0 depth lookup: certificate has expired")
    ('the chain does not verify: certificate has expired (10)',)
    """
    said = ("; ".join(_clauses(run)) for run in _RUN.split(text))
    return tuple(filter(None, said))[:_RUNS_MOST]


def completed(text: str) -> bool:
    """Whether a handshake of it came about for both sides.

    In TLS 1.3 a server judges the client's certificate when the client is done already.
    """
    return any(_done(run) and not _open(run) for run in _RUN.split(text))


def _done(run: str) -> bool:
    return _suite(run) is not None and _refusal(run) is None


def _open(run: str) -> bool:
    return "TLSv1.3" in (_suite(run) or "") and _ASKED.search(run) is not None


def _clauses(run: str) -> Iterator[str]:
    refusal, done = _refusal(run), _done(run)
    if _UNCONNECTED.search(run) and not run.startswith("CONNECTED"):
        yield "no TCP connection came about"
    elif refusal is not None:
        yield _refused(refusal)
    elif done:
        whose = ", on this side: the other may still refuse the client" if _open(run) else ""
        yield f"the handshake completed ({_suite(run)}){whose}"
    elif _CIPHER.search(run):
        yield "no handshake came about"
    broken = _UNVERIFIED.search(run)
    if broken is not None:
        number, words = (group for group in broken.groups() if group is not None)
        went_on = ", and openssl went on all the same" if done else ""
        yield f"the chain does not verify: {words.strip()} ({number}){went_on}"
    elif _VERIFIED.search(run) and (done or not _CIPHER.search(run)):
        yield "the chain verifies"


def _suite(run: str) -> str | None:
    """Version and suite of a handshake; None where there was none."""
    found = _CIPHER.search(run)
    if found is None or (found[2] or found[3]) in _NONE:
        return None
    told = _PROTOCOL.search(run)  # 1.0.2 says "TLSv1/SSLv3" in the other place
    version = told[1] if told else found[1]
    return ", ".join(filter(None, (version, found[2] or found[3])))


def _refusal(run: str) -> Reason | None:
    """Why it ended: an alert of the other side, else what openssl itself gave as the reason."""
    reasons = [reason for line in run.splitlines() if (reason := decode_reason(line)) is not None]
    heard = [reason for reason in reasons if reason.refuser is Refuser.PEER]
    own = [reason for reason in reasons if reason.refuser is Refuser.GATEWAY]
    return next(iter([*heard, *own]), None)


def _refused(reason: Reason) -> str:
    if reason.alert is not None:
        return f"the other side sent the alert {AlertDescription(reason.alert).label}"
    return f"openssl gave up: {reason.text or 'error'}"
