"""From what :mod:`analyzer.pki` found to the document of ``certs``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from analyzer.pki import inventory
from analyzer.pki.advice import causes, remarks, remedy, title
from analyzer.pki.commandline import openssl_verify
from analyzer.pki.keys import public_key
from analyzer.pki.names import file_name
from analyzer.pki.path import Trust
from analyzer.pki.targets import Judged
from analyzer.pki.verify import Settings, Verdict
from analyzer.report.assemble.certificates import certificate_of
from analyzer.report.assemble.report import TOOL
from analyzer.report.escape import encodable
from analyzer.report.holdings import schema
from analyzer.report.times import rfc3339

_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything that ``certs`` found, before it is put into words."""

    now: int
    sources: int
    stock: inventory.Inventory
    chosen: Sequence[inventory.Holding]
    keys: Sequence[tuple[str, Sequence[str]]] = ()  # path, fingerprints
    private: Mapping[bytes, Sequence[str]] = field(default_factory=dict)  # public half to paths
    judged: Sequence[Judged] = ()
    trust: Trust | None = None
    settings: Settings = field(default_factory=Settings)
    at: int | None = None
    roots: Sequence[str] = ()  # options of the openssl command
    crls: Sequence[str] = ()  # files, for it
    notes: Sequence[str] = ()


def certificate_report(found: Findings) -> schema.CertificateReport:
    """Describe what was found."""
    return schema.CertificateReport(
        schema_version=1,
        tool=TOOL,
        now=rfc3339(found.now),
        sources=found.sources,
        sightings=found.stock.sightings,
        distinct=len(found.stock),
        trust=None if found.trust is None else encodable(found.trust.source),
        trusted=0 if found.trust is None else len(found.trust),
        certificates=tuple(_holding(holding, found) for holding in found.chosen),
        keys=tuple(schema.KeyFile(path=encodable(p), belongs_to=tuple(d)) for p, d in found.keys),
        verifications=tuple(_verification(judged, found) for judged in found.judged),
        notes=tuple(encodable(note) for note in found.notes),
    )


def _holding(holding: inventory.Holding, found: Findings) -> schema.Holding:
    facts = holding.facts
    seen = next((s.time for s in holding.sightings if s.time is not None), found.now)
    left = None if facts.not_after is None else (facts.not_after - found.now) // _SECOND
    half = public_key(facts.der) if found.private else None
    paths = () if half is None else found.private.get(half, ())
    return schema.Holding(
        certificate=certificate_of(facts, seen),
        fingerprint_sha1=facts.sha1,
        serial_decimal=str(int(facts.serial or "0", 16)),
        seconds_left=left,
        file=file_name(facts),
        private_key_in=tuple(encodable(path) for path in paths),
        times_seen=holding.times,
        seen=tuple(_place(sighting) for sighting in holding.sightings),
    )


def _place(place: inventory.Sighting) -> schema.Place:
    return schema.Place(
        source=encodable(place.source),
        kind=place.kind,
        index=place.index,
        count=place.count,
        label=None if place.label is None else encodable(place.label),
        stream=place.stream,
        frame=place.frame,
        time=None if place.time is None else rfc3339(place.time),
        sender=place.sender,
        address=place.address,
        sni=None if place.sni is None else encodable(place.sni),
    )


def _verification(judged: Judged, found: Findings) -> schema.Verification:
    target, verdict = judged.target, judged.decisive
    assert found.trust is not None
    leaf = verdict.path.steps[0].facts
    time = found.at if found.at is not None else target.time
    return schema.Verification(
        title=encodable(title(leaf)),
        leaf=leaf.sha256,
        seen=_place(target.place),
        times_seen=judged.count,
        purpose=None if target.purpose is None else target.purpose.value,
        hostname=None if target.hostname is None else encodable(target.hostname),
        then=None if judged.then is None else _judgement(judged.then),
        now=_judgement(judged.now),
        path=tuple(_steps(verdict)),
        causes=tuple(encodable(line) for line in causes(verdict, target.sent, found.trust)),
        remedy=remedy(verdict),
        remarks=tuple(remarks(target.sent)) if target.place.kind == "capture" else (),
        command=encodable(
            openssl_verify(target, found.settings, time=time, roots=found.roots, crls=found.crls)
        ),
    )


def _judgement(verdict: Verdict) -> schema.Judgement:
    return schema.Judgement(
        time=rfc3339(verdict.time),
        ok=verdict.ok,
        code=int(verdict.code),
        name=verdict.code.label,
        depth=verdict.depth,
        problems=tuple(
            schema.Problem(
                code=int(problem.code),
                name=problem.code.label,
                depth=problem.depth,
                openssl=problem.code.text,
                text=encodable(problem.text),
            )
            for problem in verdict.problems
        ),
    )


def _steps(verdict: Verdict) -> Iterable[schema.Step]:
    for step in verdict.path.steps:
        yield schema.Step(
            subject=encodable(step.facts.subject),
            fingerprint_sha256=step.facts.sha256,
            origin="sent" if step.origin.value == "sent" else "trusted",
            index=step.index,
        )
