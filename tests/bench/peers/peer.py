"""A TLS client or server of Python's ssl that does as its one argument, a JSON object, says."""

from __future__ import annotations

import json
import socket
import ssl
import sys
from typing import Any

GET, OK = b"GET / HTTP/1.0\r\nHost: gateway.example\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\nhello\n"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def context(wish: dict[str, Any], side: int) -> ssl.SSLContext:
    made = ssl.SSLContext(side)
    if wish.get("version"):
        version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[wish["version"]]
        made.minimum_version = made.maximum_version = version
    if wish.get("cert"):
        made.load_cert_chain(wish["cert"], wish["key"])
    if wish.get("ca"):
        made.load_verify_locations(wish["ca"])
    if wish.get("crl"):
        made.load_verify_locations(wish["crl"])
        made.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    if wish.get("suite"):
        made.set_ciphers(wish["suite"])
    if wish.get("group"):
        made.set_ecdh_curve({"P-384": "secp384r1"}.get(wish["group"], wish["group"]))
    if wish.get("alpn"):
        made.set_alpn_protocols([wish["alpn"]])
    if wish.get("keys"):
        made.keylog_filename = wish["keys"]
    return made


def serve(wish: dict[str, Any]) -> None:
    made = context(wish, ssl.PROTOCOL_TLS_SERVER)
    if wish.get("ask"):
        made.verify_mode = ssl.CERT_REQUIRED
    if wish.get("strict"):

        def known(_: object, name: str | None, __: object) -> int | None:
            return None if name == "gateway.example" else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

        made.sni_callback = known
    with socket.create_server((wish["host"], wish["port"])) as listener:
        while True:
            plain, _ = listener.accept()
            plain.settimeout(5)
            try:
                with made.wrap_socket(plain, server_side=True) as secure:
                    secure.recv(4096)
                    secure.sendall(OK)
                    secure.unwrap()
            except OSError as error:
                say(f"server: {error}")


def call(wish: dict[str, Any]) -> None:
    made = context(wish, ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = not wish.get("lax")
    if wish.get("lax"):
        made.verify_mode = ssl.CERT_NONE
    session = None
    for _ in range(wish.get("times", 1)):
        with socket.create_connection((wish["host"], wish["port"]), timeout=5) as plain:
            try:
                with made.wrap_socket(
                    plain, server_hostname=wish["name"], session=session
                ) as secure:
                    secure.sendall(GET)
                    while got := secure.recv(4096):
                        say(got.decode())
                    session = secure.session
                    say(f"reused {secure.session_reused}")
            except OSError as error:
                say(f"client: {error}")
                sys.exit(1)


def main() -> None:
    wish = json.loads(sys.argv[1])
    if wish["role"] == "server":
        serve(wish)
    else:
        call(wish)


if __name__ == "__main__":
    main()
