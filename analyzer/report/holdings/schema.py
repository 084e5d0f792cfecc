"""The document of ``certs``: certificates with their places, and verdicts on chains.

Data for machines, as in :mod:`analyzer.report.schema`; the text renderer reads nothing else. Within
``schema_version`` 1 fields are only added.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from analyzer.report.schema import Certificate, Count, Data, Sender, Time, Tool

Digest: TypeAlias = str


class Place(Data, frozen=True):
    """Where a certificate was seen; ``index`` counts from 0, of ``count`` in the file or message."""

    source: str
    kind: str
    index: Count
    count: Count
    label: str | None
    stream: Count | None
    frame: Count | None
    time: Time | None
    sender: Sender | None
    address: str | None
    sni: str | None


class Holding(Data, frozen=True):
    """A certificate, each once; ``seen`` has its first places, ``times_seen`` counts all.

    ``seconds_left`` is negative where it has expired.
    """

    certificate: Certificate
    fingerprint_sha1: str
    serial_decimal: str
    seconds_left: int | None
    file: str  # its name with --export
    private_key_in: tuple[str, ...]  # files among those read that hold its private key
    times_seen: Count
    seen: tuple[Place, ...]


class KeyFile(Data, frozen=True):
    """A file given with --key, and the fingerprints (SHA-256) of the certificates for its key."""

    path: str
    belongs_to: tuple[Digest, ...]


class Problem(Data, frozen=True):
    """What is wrong at ``depth`` of the path: OpenSSL's number, name and words, and ours."""

    code: Count
    name: str
    depth: Count
    openssl: str
    text: str


class Judgement(Data, frozen=True):
    """A verdict as of a time; the first problem decides."""

    time: Time
    ok: bool
    code: Count
    name: str
    depth: Count
    problems: tuple[Problem, ...]


class Step(Data, frozen=True):
    """A certificate of the path, leaf first; ``index`` counts from 0 among those sent."""

    subject: str
    fingerprint_sha256: Digest
    origin: Literal["sent", "trusted"]
    index: Count | None


class Verification(Data, frozen=True):
    """A chain before the receiving side, as of the packet's time (or --attime) and as of now."""

    title: str
    leaf: Digest
    seen: Place
    times_seen: Count
    purpose: str | None
    hostname: str | None
    then: Judgement | None  # null for files without --attime
    now: Judgement
    path: tuple[Step, ...]
    causes: tuple[str, ...]
    remedy: str | None
    remarks: tuple[str, ...]
    command: str


class CertificateReport(Data, frozen=True):
    """What ``certs --format json`` prints."""

    schema_version: Literal[1]
    tool: Tool
    now: Time
    sources: Count
    sightings: Count
    distinct: Count
    trust: str | None
    trusted: Count
    certificates: tuple[Holding, ...]
    keys: tuple[KeyFile, ...]
    verifications: tuple[Verification, ...]
    notes: tuple[str, ...]
