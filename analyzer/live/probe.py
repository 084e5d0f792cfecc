"""Shake hands with a server now, and tell the story as of a capture."""

from __future__ import annotations

import io
from collections.abc import Sequence

from analyzer.capture.write import Form, PcapForm, PcapngForm
from analyzer.live.clients import Attempt, Client, openssl_path, with_openssl, with_python
from analyzer.live.link import Goal
from analyzer.live.recorder import CAVEAT, Recording, written
from analyzer.pipeline import Analysis
from analyzer.report.relabel import relabelled
from analyzer.report.schema import Report
from analyzer.tls.decryption.keylog import Secrets

CUT = "more was said than is recorded: a bound of the recorder was reached"


def client_of(name: str) -> Client:
    """The client of this name: ``openssl``, ``python``, or ``auto`` for the first that is there."""
    if name == "python" or (name == "auto" and openssl_path() is None):
        return with_python
    return with_openssl


def probe(goal: Goal, client: Client) -> Attempt:
    """Try one handshake.

    Raises:
        ConnectError: There is no connection to shake hands on.
        UsageError: The client cannot be used as wished.
    """
    return client(goal)


def told(recordings: Sequence[Recording], name: str, key_log: bytes = b"") -> Report:
    """The story of what was recorded, decrypted where the secrets of the sessions are at hand."""
    secrets = Secrets() if key_log else None
    if secrets is not None:
        secrets.add_key_log("the secrets of this run", key_log.splitlines())
    analysis = Analysis([io.BytesIO(written(recordings))], secrets=secrets)
    cut = [CUT] if any(recording.cut for recording in recordings) else []
    return relabelled(analysis.report(), name, [CAVEAT, *cut])


def form_for(name: str) -> Form:
    """The form of a capture file by its name; pcapng carries a word on how it was made."""
    return PcapngForm(CAVEAT) if name.endswith(".pcapng") else PcapForm()
