"""Peers that speak no TLS, or not at once: HTTP, SSH and SMTP, as client or server."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import time

GET = b"GET / HTTP/1.1\r\nHost: gateway.example\r\n\r\n"
FIRST_WORDS = {"http": GET, "ssh": b"SSH-2.0-OpenSSH_9.2\r\n", "smtp": b"EHLO partner.example\r\n"}
GREETINGS = {
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "smtp": b"220 gateway.example ESMTP\r\n",
    "http": b"",
}
BAD = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nplain text, please\n"
ANSWERS = {"http": BAD, "ssh": b"Invalid SSH identification string.\r\n", "smtp": b"500 ?\r\n"}


def call(kind: str, host: str, port: int) -> None:
    with socket.create_connection((host, port), timeout=3) as plain:
        plain.sendall(FIRST_WORDS[kind])
        got = b""
        with contextlib.suppress(OSError):
            while data := plain.recv(4096):
                got += data
        sys.stdout.write(f"client: the server answered {got[:60]!r}\n")


def treat(kind: str, host: str, port: int) -> None:
    """Treat every client without a word: close, reset, or keep it waiting."""
    with socket.create_server((host, port)) as listener:
        while True:
            plain, _ = listener.accept()
            if kind != "slam":
                plain.recv(65_536)
            if kind == "mute":
                time.sleep(8)
            if kind == "reset":
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            plain.close()


def serve(kind: str, host: str, port: int) -> None:
    with socket.create_server((host, port)) as listener:
        while True:
            plain, _ = listener.accept()
            plain.settimeout(3)
            with plain, contextlib.suppress(OSError):
                plain.sendall(GREETINGS[kind])
                got = plain.recv(4096)
                sys.stdout.write(f"server: the client said {got[:8]!r}\n")
                sys.stdout.flush()
                plain.sendall(ANSWERS[kind])


LISTS = {True: b"250-gateway.example\r\n250 STARTTLS\r\n", False: b"250 gateway.example\r\n"}
REFUSALS = {
    "proxy_refuses": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
    "proxy_asks": b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
    "mail_refuses": b"454 4.7.0 TLS not available\r\n",
    "mail_plain": b"502 5.5.1 not implemented\r\n",
}


def before_tls(kind: str, host: str, port: int) -> None:
    """A proxy or a mail server that lets nobody begin: refuse, or say nothing when asked."""
    with socket.create_server((host, port)) as listener:
        while True:
            plain, _ = listener.accept()
            plain.settimeout(9)
            with plain, contextlib.suppress(OSError):
                if kind.startswith("mail"):
                    plain.sendall(GREETINGS["smtp"])
                while said := plain.recv(4096):
                    answer = answered(kind, said)
                    if answer:
                        plain.sendall(answer)


def answered(kind: str, said: bytes) -> bytes:
    """What such a server answers; nothing where it hangs."""
    if said.startswith((b"EHLO", b"HELO")):
        return LISTS[kind != "mail_plain"]
    if said.startswith(b"QUIT"):
        return b"221 bye\r\n"
    return REFUSALS.get(kind, b"")


def main() -> None:
    role, kind, host, port = sys.argv[1:]
    silent = kind in ("slam", "swallow", "reset", "mute")
    early = kind.startswith(("proxy", "mail"))
    does = call if role == "client" else treat if silent else before_tls if early else serve
    does(kind, host, int(port))


if __name__ == "__main__":
    main()
