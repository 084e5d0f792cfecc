"""Stories and diagnoses become the report: each value in the words of the contract."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, get_args

from analyzer import __version__
from analyzer.capture.source import Capture
from analyzer.diagnosis.engine import Diagnosis
from analyzer.diagnosis.model import Finding
from analyzer.judging import Told
from analyzer.reading import Frames
from analyzer.report import schema
from analyzer.report.assemble.certificates import certificates_of
from analyzer.report.assemble.tls import FrameOf, tls_in_short, tls_of
from analyzer.report.escape import encodable
from analyzer.report.groups import Failure, Grouping, failure_of
from analyzer.report.schema import Outcome
from analyzer.report.times import rfc3339
from analyzer.tcp.timeline import Side
from analyzer.tls.outline import Outline
from analyzer.tls.story import Alert, Message, Story, Visibility

if TYPE_CHECKING:
    from analyzer.tls.loglines import LogView
    from analyzer.tls.objects import ObjectView

TOOL: Final = schema.Tool(name="handshake-analyzer", version=__version__)


def report_of(
    captures: Sequence[schema.Capture],
    grouping: Grouping,
    connections: Iterable[schema.Connection],
) -> schema.Report:
    """Put the parts of a report together."""
    return schema.Report(
        schema_version=schema.SCHEMA_VERSION,
        tool=TOOL,
        captures=tuple(captures),
        summary=grouping.summary(),
        groups=grouping.groups(),
        connections=tuple(connections),
    )


def capture_of(capture: Capture, complaints: Sequence[str] = ()) -> schema.Capture:
    """Describe a file that was read; ``complaints`` are caveats of what was given along with it."""
    first, last = capture.first_packet, capture.last_packet
    return schema.Capture(
        path=encodable(capture.path),
        format=capture.format,
        compression=capture.compression or None,
        link_types=tuple(capture.link_types),
        packets=capture.packets,
        bytes=capture.bytes,
        first_packet=None if first is None else rfc3339(first),
        last_packet=None if last is None else rfc3339(last),
        caveats=tuple(encodable(caveat) for caveat in (*capture.caveats, *complaints)),
    )


class Finished(NamedTuple):
    """A connection as it is reported, and what its group has to know of it."""

    connection: schema.Connection
    failure: Failure | None


def finished(told: Told, frames: Frames) -> Finished:
    """Describe a connection, and what it adds to the groups."""
    connection = described(told, frames)
    if isinstance(told, Outline):
        return Finished(connection, None)
    return Finished(connection, failure_of(told.story, told.diagnosis, told.outcome))


def described(told: Told, frames: Frames) -> schema.Connection:
    """Describe a connection."""
    frame_of = functools.partial(frame_in, frames) if frames.several else _as_it_is
    if isinstance(told, Outline):
        return connection_in_short(told, frame_of)
    captured = told.story.renumbered
    if captured:
        return connection_of(
            told.story,
            told.diagnosis,
            told.outcome,
            lambda frame: frame_of(captured.get(frame, frame)),
        )
    return connection_of(told.story, told.diagnosis, told.outcome, frame_of)


def _as_it_is(frame: int) -> schema.Frame:
    return frame


def frame_in(frames: Frames, frame: int) -> schema.Frame:
    """Say in which file a frame is, where there are several."""
    place = frames.place(frame)
    return frame if place is None else schema.FileFrame(file=place[0], frame=place[1])


def connection_of(
    story: Story, diagnosis: Diagnosis, outcome: Outcome, frame_of: FrameOf
) -> schema.Connection:
    """Describe one connection."""
    headline = diagnosis.headline
    return schema.Connection(
        stream=story.stream,
        detail="full",
        transport="tcp",
        client=schema.Endpoint(ip=story.client.ip, port=story.client.port),
        server=schema.Endpoint(ip=story.server.ip, port=story.server.port),
        start=rfc3339(story.start),
        end=rfc3339(story.end),
        outcome=outcome,
        diagnosis=None if headline is None else _finding(headline, frame_of),
        findings=tuple(_finding(finding, frame_of) for finding in diagnosis.findings),
        tls=tls_of(story, frame_of),
        handshake=_handshake(story, frame_of),
        certificates=certificates_of(story, frame_of),
        tcp=_tcp(story, frame_of),
        objects=_objects(story.objects),
        log=_log_of(story.log),
        caveats=tuple(encodable(caveat) for caveat in story.caveats),
    )


def _log_of(view: LogView | None) -> schema.GatewayLog | None:
    """The lines of a gateway's log, where one was given."""
    if view is None:
        return None
    from analyzer.report.assemble.log import log_of  # noqa: PLC0415 - only with a log

    return log_of(view)


def _objects(view: ObjectView | None) -> schema.Objects | None:
    """What took part of a gateway's configuration, where one was given."""
    if view is None:
        return None
    return schema.Objects(
        leg=view.leg.value,
        domain=encodable(view.domain),
        place=encodable(view.place),
        profile=encodable(view.profile.label) if view.profile is not None else None,
        host_name_profile=encodable(view.names.label) if view.names is not None else None,
        found_by=encodable(view.found_by),
    )


def connection_in_short(outline: Outline, frame_of: FrameOf) -> schema.Connection:
    """Describe a connection that plainly went well; what a story would add is left empty."""
    syn, syn_ack, closed = outline.syn, outline.syn_ack, outline.closed
    return schema.Connection(
        stream=outline.stream,
        detail="short",
        transport="tcp",
        client=schema.Endpoint(ip=outline.client.ip, port=outline.client.port),
        server=schema.Endpoint(ip=outline.server.ip, port=outline.server.port),
        start=rfc3339(outline.start),
        end=rfc3339(outline.end),
        outcome="established",
        diagnosis=None,
        findings=(),
        tls=tls_in_short(outline),
        handshake=_COMPLETED,
        certificates=_NO_CERTIFICATES,
        tcp=schema.Tcp(
            syns=1,
            syn_frame=frame_of(syn.frame),
            syn_ack_frame=frame_of(syn_ack.frame),
            end="fin",
            end_by="client" if outline.closed_by_client else "server",
            end_frame=frame_of(closed.frame),
            end_time=rfc3339(closed.time),
            rtt=(syn_ack.time - syn.time) / 1e9,
            retransmissions=0,
            missing_bytes=0,
            client_packets=outline.packets[0],
            server_packets=outline.packets[1],
            client_bytes=outline.payload[0],
            server_bytes=outline.payload[1],
        ),
        objects=None,
        log=None,
        caveats=(),
    )


_COMPLETED: Final = schema.Handshake(
    signature="", completed=True, last_message=None, messages=(), alerts=(), prelude=None
)
_NO_CERTIFICATES: Final = schema.Certificates(
    server=(), client=(), server_chain=None, client_chain=None, vouchers=None
)


def _finding(finding: Finding, frame_of: FrameOf) -> schema.Finding:
    return schema.Finding(
        rule=finding.rule,
        cause=finding.cause,
        phase=finding.phase.value,
        failing_side=finding.failing_side.value,
        remedy_side=finding.remedy_side.value,
        confidence=finding.confidence.value,
        title=encodable(finding.title),
        explanation=encodable(finding.explanation),
        evidence=tuple(
            [
                schema.Evidence(frame=frame_of(e.frame), text=encodable(e.text))
                for e in finding.evidence
            ]
        ),
        remedy=tuple([encodable(step) for step in finding.remedy]),
        alternatives=tuple([_alternative(*one) for one in finding.alternatives]),
        references=finding.references,
    )


@functools.lru_cache(maxsize=256)
def _alternative(cause: str, would_decide: str) -> schema.Alternative:
    """Most are of a few tables."""
    return schema.Alternative(cause=cause, would_decide=encodable(would_decide))


def _handshake(story: Story, frame_of: FrameOf) -> schema.Handshake:
    messages = tuple([_message(message, frame_of) for message in story.messages])
    prelude = story.prelude
    return schema.Handshake(
        signature=story.signature,
        completed=story.completed,
        last_message=_last_message(messages),
        messages=messages,
        alerts=tuple([_alert(alert, frame_of) for alert in story.alerts]),
        prelude=None
        if prelude is None
        else schema.Prelude(
            protocol=prelude.protocol,
            end=prelude.end.value.replace(" ", "_"),
            frame=frame_of(prelude.frame),
            text=encodable(prelude.text),
            target=None if prelude.target is None else encodable(prelude.target),
        ),
    )


# Companions of the handshake, which are not handshake messages.
_COMPANIONS: Final = frozenset(
    {"alert", "application_data", "heartbeat", "change_cipher_spec", "encrypted_record"}
)


def _last_message(messages: Sequence[schema.Message]) -> schema.LastMessage | None:
    """The last handshake message that was seen or inferred; of companions only if there is none."""
    handshake = [message for message in messages if message.name not in _COMPANIONS]
    if not handshake:
        return None
    last = handshake[-1]
    return schema.LastMessage(name=last.name, sender=last.sender, frame=last.frame)


_SIDES: Final = {side: side.value for side in Side}  # asked of every message


def _message(message: Message, frame_of: FrameOf) -> schema.Message:
    return schema.Message(
        name=message.name,
        sender=_SIDES[message.sender],
        frame=frame_of(message.frame),
        time=rfc3339(message.time),
        length=message.length,
        inferred=message.visibility is Visibility.INFERRED,
    )


def _alert(alert: Alert, frame_of: FrameOf) -> schema.Alert:
    return schema.Alert(
        sender=_SIDES[alert.sender],
        level=None if alert.level is None else alert.level.name.lower(),
        description=None if alert.description is None else alert.description.name.lower(),
        code=None if alert.description is None else int(alert.description),
        frame=frame_of(alert.frame),
        time=rfc3339(alert.time),
        visible=alert.visibility is not Visibility.INFERRED,
    )


_END: Final[Mapping[str, schema.End]] = {end: end for end in get_args(schema.End)}


def _tcp(story: Story, frame_of: FrameOf) -> schema.Tcp:
    told = story.timeline
    closed = None if told.closed_first is None else told.closed_first[1]
    return schema.Tcp(
        syns=len(told.syns),
        syn_frame=None if told.syn is None else frame_of(told.syn.frame),
        syn_ack_frame=None if told.syn_ack is None else frame_of(told.syn_ack.frame),
        end=_END[told.end],
        end_by=None if told.end_by is None else told.end_by.value,
        end_frame=None if closed is None or told.closed_unseen else frame_of(closed.frame),
        end_time=None if closed is None else rfc3339(closed.time),
        rtt=None if told.rtt_ns is None else told.rtt_ns / 1e9,
        retransmissions=sum(told.retransmissions.values()),
        missing_bytes=sum(told.missing.values()),
        client_packets=told.packets[Side.CLIENT],
        server_packets=told.packets[Side.SERVER],
        client_bytes=told.payload[Side.CLIENT],
        server_bytes=told.payload[Side.SERVER],
    )
