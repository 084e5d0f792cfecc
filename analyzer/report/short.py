"""A connection that plainly went well as JSON, without making the objects in between.

Nearly all of the text is the same for all connections that agreed on the same. It is written once,
from the very objects, with gaps for what differs.
"""

from __future__ import annotations

import functools
from typing import Final

import msgspec

from analyzer.reading import Frames
from analyzer.report.assemble.report import connection_in_short, frame_in
from analyzer.report.times import rfc3339
from analyzer.tcp.evidence import Endpoint, TcpEvent
from analyzer.tls.outline import Outline

# What differs, in the order of the text; and how it is filled in.
_GAPS: Final = {
    "stream": b"%d",
    "client.ip": b'"%b"',
    "client.port": b"%d",
    "server.ip": b'"%b"',
    "server.port": b"%d",
    "start": b'"%b"',
    "end": b'"%b"',
    "tcp.syn_frame": b"%b",
    "tcp.syn_ack_frame": b"%b",
    "tcp.end_frame": b"%b",
    "tcp.end_time": b'"%b"',
    "tcp.rtt": b"%b",
    "tcp.client_packets": b"%d",
    "tcp.server_packets": b"%d",
    "tcp.client_bytes": b"%d",
    "tcp.server_bytes": b"%d",
}
_json = msgspec.json.encode


def json_in_short(outline: Outline, frames: Frames) -> bytes:
    """The JSON of :func:`~analyzer.report.assemble.report.connection_in_short`, byte for byte."""
    client, server, syn, syn_ack = outline.client, outline.server, outline.syn, outline.syn_ack
    form = _form(
        outline.version,
        outline.cipher_suite,
        outline.group,
        outline.sni,
        outline.alpn,
        outline.resumed,
        outline.closed_by_client,
    )
    return form % (
        outline.stream,
        client.ip.encode(),
        client.port,
        server.ip.encode(),
        server.port,
        rfc3339(outline.start).encode(),
        rfc3339(outline.end).encode(),
        _json(frame_in(frames, syn.frame)),
        _json(frame_in(frames, syn_ack.frame)),
        _json(frame_in(frames, outline.closed.frame)),
        rfc3339(outline.closed.time).encode(),
        _json((syn_ack.time - syn.time) / 1e9),
        *outline.packets,
        *outline.payload,
    )


@functools.lru_cache(maxsize=1024)
def _form(
    version: str,
    suite: str,
    group: str | None,
    sni: str | None,
    alpn: str | None,
    resumed: bool,
    closed_by_client: bool,
) -> bytes:
    """The text of a connection that agreed on this, with gaps, to be filled by ``%``."""
    agreed = _NOBODY._replace(
        version=version,
        cipher_suite=suite,
        group=group,
        sni=sni,
        alpn=alpn,
        resumed=resumed,
        closed_by_client=closed_by_client,
    )
    return _with_gaps(msgspec.to_builtins(connection_in_short(agreed, int)), "")


def _with_gaps(value: object, path: str) -> bytes:
    if path in _GAPS:
        return _GAPS[path]
    if isinstance(value, dict):
        members = [
            b"%b:%b" % (_json(name), _with_gaps(one, f"{path}.{name}".lstrip(".")))
            for name, one in value.items()
        ]
        return b"{%b}" % b",".join(members)
    return _json(value).replace(b"%", b"%%")


_NOTHING: Final = TcpEvent(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
_NOBODY: Final = Outline(
    stream=0,
    client=Endpoint("", 0),
    server=Endpoint("", 0),
    start=0,
    end=0,
    version="",
    cipher_suite="",
    group=None,
    sni=None,
    alpn=None,
    resumed=False,
    goes_without=(),
    client_certificate=False,
    certificate=None,
    syn=_NOTHING,
    syn_ack=_NOTHING,
    closed=_NOTHING,
    closed_by_client=False,
    packets=(0, 0),
    payload=(0, 0),
)
