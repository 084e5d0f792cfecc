"""Cases in which no two TLS stacks finish a talk: TCP, other protocols, proxies, packet loss."""

from __future__ import annotations

import itertools
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

import dpkt
from cases import GET, GOOD, Truth
from peers import Talk, answers, hello, reset, says
from pki import HOST, Authority
from relay import CLIENT, SERVER, Recorded, Writer

PLAIN = Truth("not_tls")
BANNER = b"SSH-2.0-OpenSSH_9.2\r\n"
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
CONNECT = b"CONNECT partner.example:443 HTTP/1.1\r\nHost: partner.example:443\r\n\r\n"


def _early(cause: str, failing: str, remedy: str, phase: str = "client_hello") -> Truth:
    return Truth("failed", cause, phase, failing, remedy)


@dataclass(frozen=True)
class Spoken:
    """A client's few bytes against a server's few answers."""

    name: str
    shows: str
    truth: Truth
    talk: Talk
    client: Callable[[int], None]


def spoken_cases() -> list[Spoken]:
    """Cases that need no TLS server."""
    offer = hello(HOST)

    def closes(connection: socket.socket) -> None:
        connection.recv(4096)

    def resets(connection: socket.socket) -> None:
        connection.recv(4096)
        reset(connection)

    def pauses(_: socket.socket) -> None:
        time.sleep(0.05)

    def hangs(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.recv(4096)

    return [
        Spoken(
            "server_closed_silently",
            "FIN is the whole answer to the hello",
            _early("server_closed_silently", "server", "server"),
            closes,
            lambda port: says(port, offer),
        ),
        Spoken(
            "rst_after_client_hello",
            "RST is the whole answer to the hello",
            _early("rst_after_client_hello", "server", "server"),
            resets,
            lambda port: says(port, offer),
        ),
        Spoken(
            "server_closed_on_accept",
            "the server closes before anybody spoke",
            _early("server_closed_on_accept", "server", "server"),
            pauses,
            lambda port: says(port, b"", 1),
        ),
        Spoken(
            "client_never_hello",
            "the client connects and leaves",
            _early("client_never_hello", "client", "client"),
            hangs,
            lambda port: says(port, b"", 0.05),
        ),
        Spoken(
            "client_abandoned",
            "the client leaves before the server answered",
            _early("client_abandoned", "client", "client"),
            hangs,
            lambda port: says(port, offer, 0.2),
        ),
        Spoken(
            "tls_to_plaintext_http",
            "TLS to a plain HTTP server",
            _early("tls_to_plaintext", "client", "client"),
            answers((b"\x16", BAD_REQUEST)),
            lambda port: says(port, offer, 0.2),
        ),
        Spoken(
            "tls_to_plaintext_ssh",
            "TLS to an SSH server",
            _early("tls_to_plaintext", "client", "client"),
            answers((b"", BANNER)),
            lambda port: says(port, offer, 0.2),
        ),
        Spoken(
            "proxy_refused",
            "the proxy wants credentials",
            _early("proxy_refused", "server", "client"),
            answers((b"\r\n\r\n", b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")),
            lambda port: says(port, CONNECT, 0.2),
        ),
        Spoken(
            "starttls_refused",
            "the mail server cannot start TLS",
            _early("starttls_refused", "server", "server"),
            answers(
                (b"", b"220 mail.example ESMTP\r\n"),
                (b"EHLO", b"250-mail.example\r\n250 STARTTLS\r\n"),
                (b"STARTTLS", b"454 4.7.0 TLS not available\r\n"),
            ),
            lambda port: _mail(port, b"EHLO client.example\r\n", b"STARTTLS\r\n", b"QUIT\r\n"),
        ),
        Spoken(
            "starttls_not_offered",
            "the mail server does not list STARTTLS",
            _early("starttls_not_offered", "client", "server"),
            answers(
                (b"", b"220 mail.example ESMTP\r\n"),
                (b"EHLO", b"250-mail.example\r\n250 SIZE 1000000\r\n"),
            ),
            lambda port: _mail(port, b"EHLO client.example\r\n", b"QUIT\r\n"),
        ),
        Spoken(
            "plain_http",
            "plain HTTP, as both sides want it",
            PLAIN,
            answers((b"\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")),
            lambda port: says(port, GET, 0.2),
        ),
    ]


def _mail(port: int, *lines: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for line in lines:
            connection.recv(4096)
            connection.sendall(line)
        time.sleep(0.1)


def unused(port: int, pki: Authority, *, orderly: bool) -> None:
    """A client that completes a handshake and leaves without a word."""
    context = ssl.create_default_context(cafile=str(pki.root.cert_path))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", port)) as plain:
        session = context.wrap_socket(plain, server_hostname=HOST)
        if orderly:
            session.unwrap()
        session.close()


@dataclass(frozen=True)
class Crafted:
    """Packets written by hand around what a recording holds."""

    name: str
    shows: str
    truth: Truth
    build: Callable[[Writer, Recorded], None]


def crafted_cases() -> list[Crafted]:
    """Cases in which the network misbehaves; each gets a recorded TLS 1.2 handshake to work on."""
    return [
        Crafted(
            "connection_refused",
            "RST answers the SYN",
            _early("connection_refused", "server", "server", "tcp_connect"),
            _refuse,
        ),
        Crafted(
            "syn_timeout",
            "nobody answers four SYNs",
            _early("syn_timeout", "network", "network", "tcp_connect"),
            _ignore,
        ),
        Crafted(
            "icmp_rejected",
            "a router prohibits the connection",
            _early("icmp_rejected", "network", "network", "tcp_connect"),
            _prohibit,
        ),
        Crafted(
            "handshake_timeout_server",
            "the server acknowledges the hello and says nothing for ten seconds",
            _early("handshake_timeout", "server", "server"),
            _hang,
        ),
        Crafted(
            "mtu_black_hole",
            "the server's full-size segments never arrive",
            Truth("failed", "mtu_black_hole", "server_hello", "network", "network"),
            _swallow,
        ),
        Crafted("good_lost_and_sent_again", "a segment is captured twice", GOOD, _repeat),
        Crafted("good_out_of_order", "two segments of the flight are swapped", GOOD, _swap),
        Crafted(
            "capture_ended",
            "the capture stops after the server's hello",
            Truth("incomplete", "capture_ended"),
            _stop,
        ),
        Crafted(
            "capture_one_sided",
            "only the client's packets were captured",
            Truth("incomplete", "capture_one_sided"),
            _one_side,
        ),
    ]


def _ends(writer: Writer, recorded: Recorded) -> list[tuple[float, bytes]]:
    writer.connection(recorded)
    packets = sorted(writer.packets, key=lambda packet: packet[0])
    writer.packets.clear()
    return packets


def _tcp(frame: bytes) -> dpkt.tcp.TCP:
    return dpkt.ethernet.Ethernet(frame).data.data


def _from_server(frame: bytes) -> bool:
    return bool(_tcp(frame).sport == SERVER[1])


def _refuse(writer: Writer, recorded: Recorded) -> None:
    packets = _ends(writer, recorded)
    (when, syn), (_, syn_ack) = packets[0], packets[1]
    frame = dpkt.ethernet.Ethernet(syn_ack)
    frame.data.data.flags = dpkt.tcp.TH_RST | dpkt.tcp.TH_ACK
    frame.data.data.seq, frame.data.data.opts, frame.data.data.off = 0, b"", 5
    frame.data.len = 40
    frame.data.sum = frame.data.data.sum = 0
    writer.packets += [(when, syn), (when + 0.01, bytes(frame))]


def _ignore(writer: Writer, recorded: Recorded) -> None:
    when, syn = _ends(writer, recorded)[0]
    writer.packets += [(when + after, syn) for after in (0, 1, 3, 7)]


def _prohibit(writer: Writer, recorded: Recorded) -> None:
    when, syn = _ends(writer, recorded)[0]
    quoted = bytes(dpkt.ethernet.Ethernet(syn).data)[:28]
    icmp = dpkt.icmp.ICMP(type=3, code=13, data=b"\0\0\0\0" + quoted)
    ip = dpkt.ip.IP(
        src=socket.inet_aton("203.0.113.1"),
        dst=socket.inet_aton(CLIENT[0]),
        p=dpkt.ip.IP_PROTO_ICMP,
        ttl=250,
        data=bytes(icmp),
    )
    ip.len = len(ip)
    answer = dpkt.ethernet.Ethernet(src=b"\x02\0\0\0\0\3", dst=b"\x02\0\0\0\0\1", data=ip)
    writer.packets += [(when, syn), (when + 0.004, bytes(answer))]


def _hang(writer: Writer, recorded: Recorded) -> None:
    packets = _ends(writer, recorded)
    begun = packets[:5]  # SYN, SYN-ACK, ACK, ClientHello, its acknowledgment
    fin = next(frame for _, frame in packets if _tcp(frame).flags & dpkt.tcp.TH_FIN)
    leaving = dpkt.ethernet.Ethernet(begun[2][1])
    leaving.data.data.flags = dpkt.tcp.TH_FIN | dpkt.tcp.TH_ACK
    leaving.data.data.seq = _tcp(begun[3][1]).seq + len(_tcp(begun[3][1]).data)
    leaving.data.sum = leaving.data.data.sum = 0
    assert fin
    writer.packets += [*begun, (begun[-1][0] + 10, bytes(leaving))]


def _swallow(writer: Writer, recorded: Recorded) -> None:
    """The capture is on the server's side: the flight goes out again and again."""
    packets = _ends(writer, recorded)
    begun = packets[:5]
    when = begun[-1][0]
    flight = [f for _, f in packets if _from_server(f) and len(_tcp(f).data) > 1000][:1]
    for after in (0.01, 0.3, 0.9, 2.1, 4.5, 9.3):
        begun += [(when + after, frame) for frame in flight]
    leaving = dpkt.ethernet.Ethernet(packets[2][1])
    leaving.data.data.flags = dpkt.tcp.TH_RST | dpkt.tcp.TH_ACK
    leaving.data.data.seq = _tcp(packets[3][1]).seq + len(_tcp(packets[3][1]).data)
    leaving.data.sum = leaving.data.data.sum = 0
    writer.packets += [*begun, (when + 15, bytes(leaving))]


def _repeat(writer: Writer, recorded: Recorded) -> None:
    packets = _ends(writer, recorded)
    at = next(i for i, (_, f) in enumerate(packets) if _from_server(f) and _tcp(f).data)
    writer.packets += [*packets, (packets[at][0] + 0.00005, packets[at][1])]


def _swap(writer: Writer, recorded: Recorded) -> None:
    packets = _ends(writer, recorded)
    loaded = [i for i, (_, f) in enumerate(packets) if _from_server(f) and _tcp(f).data]
    first, second = next((a, b) for a, b in itertools.pairwise(loaded) if b == a + 1)
    (when, one), (then, two) = packets[first], packets[second]
    packets[first], packets[second] = (when, two), (then + 1e-6, one)
    writer.packets += packets


def _stop(writer: Writer, recorded: Recorded) -> None:
    packets = _ends(writer, recorded)
    at = next(i for i, (_, f) in enumerate(packets) if _from_server(f) and _tcp(f).data)
    writer.packets += packets[: at + 1]


def _one_side(writer: Writer, recorded: Recorded) -> None:
    packets = _ends(writer, recorded)
    leaving = next(i for i, (_, f) in enumerate(packets) if _tcp(f).flags & dpkt.tcp.TH_FIN)
    writer.packets += [(w, f) for w, f in packets[: min(leaving, 9)] if not _from_server(f)]
