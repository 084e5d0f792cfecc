"""Hellos of all ages, from SSL 2.0 to TLS 1.3, in one place to import from."""

from __future__ import annotations

from analyzer.errors import Defect
from analyzer.tls.message.client_hello import ClientHello, decode_client_hello
from analyzer.tls.message.extensions import decode_extension
from analyzer.tls.message.hello_v2 import (
    V2ServerHello,
    decode_v2_client_hello,
    decode_v2_server_hello,
)
from analyzer.tls.message.server_hello import HELLO_RETRY_RANDOM, ServerHello, decode_server_hello

__all__ = [
    "HELLO_RETRY_RANDOM",
    "ClientHello",
    "ServerHello",
    "V2ServerHello",
    "decode_client_hello",
    "decode_server_hello",
    "decode_v2_client_hello",
    "decode_v2_server_hello",
    "extension_defects",
]


def extension_defects(hello: ClientHello | ServerHello) -> tuple[Defect, ...]:
    """Decode every extension and return what is wrong inside their bodies, in order."""
    message = "client_hello" if isinstance(hello, ClientHello) else "server_hello"
    found = (decode_extension(extension, message)[1] for extension in hello.extensions)
    return tuple(defect for defect in found if defect is not None)
