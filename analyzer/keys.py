"""Where secrets come from: key logs, private keys and the captures themselves.

A file that is not there is a mistake on the command line; whatever is wrong inside one is told in a
sentence, and the analysis goes on without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BufferedReader, TextIOWrapper
from os import PathLike
from pathlib import Path
from typing import Final, TypeAlias

from analyzer.capture.facts import DecryptionSecrets
from analyzer.encodings import UTF8_MARK, UTF16_MARKS
from analyzer.errors import UsageError
from analyzer.limits import DEFAULT, Limits
from analyzer.tls.decryption.keylog import Secrets

Name: TypeAlias = str | PathLike[str]

NSS_KEY_LOG: Final = 0x544C534B  # "TLSK": draft-ietf-opsawg-pcapng section 4.7
_LINE_MOST: Final = 1 << 14  # bytes
_PEM_MOST: Final = 1 << 20  # bytes; keys and chains are far shorter


def read_secrets(
    key_logs: Sequence[Name],
    private_keys: Sequence[Name] = (),
    password: bytes | None = None,
    limits: Limits = DEFAULT,
) -> Secrets | None:
    """Read the files that the user names; None where there are none.

    Args:
        key_logs: In the format of NSS.
        private_keys: In PEM, certificates may stand beside them.
        password: Of the private keys that are encrypted.
        limits: ``secrets`` bounds how many sessions are kept.

    Raises:
        UsageError: A file cannot be read.
    """
    if not key_logs and not private_keys:
        return None
    secrets = Secrets(limits)
    for name in key_logs:
        _read_key_log(secrets, name)
    for name in private_keys:
        _read_private_key(secrets, name, password)
    return secrets


def read_password(name: Name) -> bytes:
    """Read a password: the first line of a file, without its end.

    Raises:
        UsageError: The file cannot be read.
    """
    return _bytes_of(name, "password file").split(b"\n", 1)[0].rstrip(b"\r")


def gather(secrets: Secrets, path: str, blocks: Sequence[DecryptionSecrets]) -> None:
    """Add the secrets that a pcapng file holds in its Decryption Secrets Blocks."""
    lines: list[bytes] = []
    for block in blocks:
        if block.type == NSS_KEY_LOG:
            lines += block.data.splitlines()
    if lines:
        secrets.add_key_log(f"secrets in {path}", lines)


def _read_key_log(secrets: Secrets, name: Name) -> None:
    try:
        with Path(name).open("rb") as file:
            secrets.add_key_log(str(name), _lines(file))
    except OSError as error:
        raise _unreadable(name, "key log", error) from None


def _lines(file: BufferedReader) -> Iterator[bytes]:
    """The lines of a key log, cut where they are longer than any of one; Windows marks them."""
    if file.peek(2)[:2] not in UTF16_MARKS:
        first = file.readline(_LINE_MOST).removeprefix(UTF8_MARK)
        yield from (line for line in (first,) if line)
        yield from iter(lambda: file.readline(_LINE_MOST), b"")
        return
    text = TextIOWrapper(file, encoding="utf-16", errors="replace")
    yield from (line.encode() for line in iter(lambda: text.readline(_LINE_MOST), ""))
    text.detach()  # whoever opened the file closes it


def _read_private_key(secrets: Secrets, name: Name, password: bytes | None) -> None:
    from analyzer.tls.decryption.private_key import PrivateKeyError, load_private_key  # noqa: PLC0415 - loads cryptography

    pem = _bytes_of(name, "private key")
    try:
        secrets.add_private_key(str(name), load_private_key(pem, password))
    except PrivateKeyError as error:
        secrets.complain(f"{name}: {error}.")


def _bytes_of(name: Name, what: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            return file.read(_PEM_MOST)
    except OSError as error:
        raise _unreadable(name, what, error) from None


def _unreadable(name: Name, what: str, error: OSError) -> UsageError:
    return UsageError(f"{name}: the {what} cannot be read ({error.strerror}); name a file that can")
