"""Write the least of a capture that tells the same of chosen connections, and check that it does."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from analyzer.capture.facts import CaptureFacts
from analyzer.capture.members import Source
from analyzer.capture.write import Form, PacketWriter, PcapForm, PcapngForm
from analyzer.errors import UsageError, no_such_stream
from analyzer.extract.disguise import Disguise
from analyzer.extract.frames import mark_frame
from analyzer.extract.known import Known, Verdict, connections, verdict_of, witnesses
from analyzer.extract.taking import Packet, take, told
from analyzer.limits import DEFAULT, Limits
from analyzer.pipeline import Analysis
from analyzer.reading import Progress, Reading
from analyzer.tls.decryption.keylog import Secrets


@dataclass(frozen=True, slots=True)
class Wish:
    """What goes into an extract, and how.

    ``streams`` None: those that failed; ``or_else``: all, where none did. ``key`` given: addresses
    and names are disguised by it.
    """

    streams: frozenset[int] | None = None
    everything: bool = False
    or_else: bool = False
    key: bytes | None = None
    secrets: bool = False
    pcapng: bool = False


@dataclass(frozen=True, slots=True)
class Carried:
    """A connection in the extract: its number before and there, and what is concluded of it."""

    stream: int
    there: int
    title: str | None
    before: Verdict
    after: Verdict | None

    @property
    def same(self) -> bool:
        """Whether the extract tells the same of it."""
        return self.before == self.after


@dataclass(frozen=True, slots=True)
class Extract:
    """A minimal capture, and what became of the connections that were chosen."""

    data: bytes
    chosen: tuple[Carried, ...]
    witnesses: int  # connections beside them, without which something else would be concluded
    left_out: int  # chosen beyond the limits
    packets: int
    disguise: Disguise | None
    captures: tuple[CaptureFacts, ...]  # what it is of
    connections: int  # in these


@dataclass(slots=True)
class _Draft:
    data: bytes
    taken: list[Known]
    packets: int
    disguise: Disguise | None
    verdicts: dict[int, Verdict] = field(default_factory=dict)  # by number in the original


def extract(
    sources: Sequence[Source],
    wish: Wish,
    *,
    limits: Limits = DEFAULT,
    secrets: Secrets | None = None,
    progress: Progress | None = None,
) -> Extract:
    """Make the extract of a capture; its files are read two or three times, as are BytesIO.

    Raises:
        CaptureError: A file is of no use.
        UsageError: There is no such connection, or none failed.
    """
    analysis = Analysis(_again(sources), limits=limits, secrets=secrets, progress=progress)
    known = connections(analysis, limits)
    wanted = _wanted(known, wish, analysis)
    chosen = wanted[: limits.extracted]
    maker = _Maker(sources, wish, limits, secrets or analysis.secrets, progress, analysis.span)
    draft = maker.draft(chosen)
    changed = [one for one in chosen if draft.verdicts.get(one.stream) != one.verdict]
    if changed:
        room = limits.extracted - len(chosen)
        streams = {one.stream for one in chosen}
        beside = [k for k in witnesses(changed, known) if k.stream not in streams][:room]
        better = maker.draft([*chosen, *beside]) if beside else draft
        draft = better if _right(better, chosen) > _right(draft, chosen) else draft
    return _finished(draft, chosen, len(wanted), analysis)


def _again(sources: Sequence[Source]) -> Sequence[Source]:
    """The sources from their beginning."""
    for source in sources:
        if isinstance(source, io.BytesIO):
            source.seek(0)
    return sources


def _finished(draft: _Draft, chosen: Sequence[Known], wanted: int, analysis: Analysis) -> Extract:
    there = {known.stream: number for number, known in enumerate(draft.taken)}
    carried = tuple(
        Carried(k.stream, there[k.stream], k.title, k.verdict, draft.verdicts.get(k.stream))
        for k in chosen
        if k.stream in there
    )
    return Extract(
        data=draft.data,
        chosen=carried,
        witnesses=len(draft.taken) - len(carried),
        left_out=wanted - len(carried),
        packets=draft.packets,
        disguise=draft.disguise,
        captures=tuple(capture.facts for capture in analysis.captures),
        connections=analysis.count,
    )


def _right(draft: _Draft, chosen: Sequence[Known]) -> int:
    return sum(draft.verdicts.get(one.stream) == one.verdict for one in chosen)


def _wanted(known: Sequence[Known], wish: Wish, analysis: Analysis) -> list[Known]:
    if wish.everything:
        return list(known)
    if wish.streams is None:
        failed = [one for one in known if one.verdict.outcome == "failed"]
        if not failed and wish.or_else:
            return list(known)
        if not failed:
            raise UsageError("no connection failed; name some with --stream, or take --all")
        return failed
    missing = wish.streams - {one.stream for one in known}
    if missing:
        raise no_such_stream(analysis.captures[0].path, min(missing), analysis.count)
    return [one for one in known if one.stream in wish.streams]


@dataclass(frozen=True, slots=True)
class _Maker:
    """Writes drafts of one wish."""

    sources: Sequence[Source]
    wish: Wish
    limits: Limits
    secrets: Secrets | None
    progress: Progress | None
    span: tuple[int, int]  # times of the first and the last packet of the capture

    def draft(self, known: Sequence[Known]) -> _Draft:
        """An extract of these connections, analysed."""
        known = sorted(known, key=lambda one: one.span.first)
        disguise = self._disguise(known)
        reading = Reading(_again(self.sources), self.limits, progress=self.progress)
        taken = take(reading, [one.span for one in known], self.limits)
        keys = self.secrets if self.wish.secrets else None
        there = [one for one, at in zip(known, taken, strict=True) if at.evidence is not None]
        frames: list[Packet] = []
        randoms: list[bytes] = []
        for one, at in zip(known, taken, strict=True):
            part = told(at, one.names, self.limits, secrets=keys, disguise=disguise)
            frames += part.packets
            randoms += sorted(part.randoms)
            at.segments.clear()  # there may be many, and they are told
        data = self._written(sorted(frames), self._form(randoms))
        draft = _Draft(data, there, len(frames), disguise)
        draft.verdicts = dict(self._judged(data, there))
        return draft

    def _disguise(self, known: Sequence[Known]) -> Disguise | None:
        if self.wish.key is None:
            return None
        return Disguise(self.wish.key, frozenset(name for one in known for name in one.certified))

    def _form(self, randoms: Collection[bytes]) -> Form:
        if not self.wish.pcapng:
            return PcapForm()
        lines = _key_log(self.secrets, randoms) if self.wish.secrets and self.secrets else b""
        return PcapngForm(comment="extract of a capture, application data cut", key_log=lines)

    def _written(self, frames: Sequence[Packet], form: Form) -> bytes:
        sink = io.BytesIO()
        writer = PacketWriter(sink, form)
        begin, end = self.span
        writer.write(begin, mark_frame("the capture began"))
        for packet in frames:
            writer.write(packet.time, packet.frame, packet.length)
        writer.write(end, mark_frame("the capture ended"))
        return sink.getvalue()

    def _judged(self, data: bytes, known: Sequence[Known]) -> Iterator[tuple[int, Verdict]]:
        """What the extract tells of each connection; they are numbered in the order of ``known``."""
        analysis = Analysis([io.BytesIO(data)], limits=self.limits)
        for judged in analysis.judged():
            if judged.stream < len(known):
                yield known[judged.stream].stream, verdict_of(judged)


def _key_log(secrets: Secrets, randoms: Collection[bytes]) -> bytes:
    """The secrets of some connections as lines of a key log."""
    return b"".join(
        f"{label} {random.hex()} {secret.hex()}\n".encode()
        for random in dict.fromkeys(randoms)
        for label, secret in sorted(secrets.find(random).items())
    )
