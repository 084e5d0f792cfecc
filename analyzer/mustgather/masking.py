"""What may be a secret in text of others: long tokens of a log, what openssl prints of sessions."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from analyzer.datapower.export.secrets import without_named_secrets
from analyzer.datapower.log.load import Log

MASK: Final = "***"
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/=_-]{40,}")  # a key, a token or a ticket, in some encoding
_WORDS: Final = re.compile(r"[A-Za-z]+(?:[_-][A-Za-z]+)*")
_PRIVATE: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
)
# s_client and s_server: secrets of a session, and its ticket in hexadecimal.
_SESSION: Final = re.compile(
    r"(?mi)^(\s*(?:Master-Key|Resumption PSK|PSK(?! identity)|Keying material|Early data secret"
    r"|[A-Z_]*(?:SECRET|CLIENT_RANDOM)[A-Z_0-9]*)\s*[: ]\s*)\S.*$"
)
# What was typed: keys and passwords among the options, and a login to a mail server.
_OPTION: Final = re.compile(r"(?m)((?:^|\s)--?(?:psk|srppass|proxy_pass|pass|k|K)[ =])\S+")
_LOGIN: Final = re.compile(r"(?mi)^(\s*(?:\S{1,16} )?(?:AUTH(?:ENTICATE)? \S+|LOGIN|PASS) )\S.*$")
_DUMP: Final = re.compile(r"(?m)^(\s*[0-9a-f]{4} - ).*$")


def masked_log(log: Log | None) -> Log | None:
    """A log without what looks like a key; most lines stay the same objects."""
    if log is None:
        return None
    lines = tuple(
        replace(line, text=without_tokens(line.text)) if _TOKEN.search(line.text) else line
        for line in log.lines
    )
    return replace(log, lines=lines)


def without_tokens(text: str) -> str:
    """Text without long runs of letters and digits that are no words.

    >>> without_tokens("key 0123456789012345678901234567890123456789 of X509_V_ERR_NO_EXPLICIT")
    'key *** of X509_V_ERR_NO_EXPLICIT'
    """
    return _TOKEN.sub(lambda found: found[0] if _WORDS.fullmatch(found[0]) else MASK, text)


def text_of(data: bytes) -> str | None:
    r"""What a file says, whoever wrote it: PowerShell redirects in UTF-16. None: it is no text.

    >>> text_of("Master-Key: 0A".encode("utf-16")), text_of(b"\0\1\2")
    ('Master-Key: 0A', None)
    """
    encoding = "utf-8-sig"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif data[:_HEAD].count(0) * 3 > len(data[:_HEAD]):  # the same without its mark
        encoding = "utf-16-be" if data[0] == 0 else "utf-16-le"
    text = data.decode(encoding, "replace")
    return None if "\0" in text else text


_HEAD: Final = 256


def masked_output(text: str) -> str:
    r"""The output of an openssl command without keys and secrets of the session.

    >>> masked_output("    Master-Key: 0A1B\n    Verify return code: 0 (ok)")
    '    Master-Key: ***\n    Verify return code: 0 (ok)'
    """
    text = _PRIVATE.sub(f"[private key] {MASK}", text)
    for typed in (_DUMP, _SESSION, _OPTION, _LOGIN):
        text = typed.sub(rf"\1{MASK}", text)
    return "\n".join(without_named_secrets(line) for line in text.split("\n"))
