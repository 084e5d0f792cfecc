"""What must not be kept of a value, even of one that is wanted."""

from __future__ import annotations

import re
from typing import Final

# RFC 3986 section 3.2.1: user:password@host.
_USER: Final = re.compile(r"\b(\w{1,32}://)[^/?#\s]*@")
# Keys of services travel in queries.
_QUERY: Final = re.compile(r"\b(\w{1,32}://[^?#\s]*)(?:[?#]\S*)?")
# Headers of many parts: several cookies, a scheme with its parameters (RFC 7235 section 2.1). They
# end with the quotation, or with the line.
_HEADER: Final = re.compile(
    r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie2?)(['\"]?\s{0,3}:\s{0,3})"
    r"(?:(['\"])[^'\"\r\n]{1,4096}|[^\s'\"][^\r\n]*)"
)
_NAMED: Final = re.compile(  # what else a debug log may quote: parameters, JSON, other headers
    r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie|pass|pass[ _-]?phrase(?: for [^\s:]{1,256})?"
    r"|[\w-]{0,32}(?:password|passwd|passphrase|pwd|secret|api[_-]?key|token))\b"
    r"(['\"]?\s{0,3}[=:]\s{0,3}['\"]?)(?!(?:yes|no)\b)(?:(?:basic|bearer|negotiate)\s+)?[^\s'\",;&)]{1,4096}"
)
_WORDS: Final = ("auth", "cookie", "pass", "pwd", "secret", "key", "token")


def without_secrets(text: str) -> str:
    """Take user, password and query out of a URL; other text is left as it is.

    >>> without_secrets("https://me:secret@backend:8443/in?apikey=1")
    'https://backend:8443/in'
    """
    return _QUERY.sub(r"\1", _USER.sub(r"\1", text))


def without_named_secrets(text: str) -> str:
    """Take what is named a password, key, token or cookie out of a line of a log, URLs as above.

    >>> without_named_secrets("header Authorization: Basic bWU6c2VjcmV0, password='x' ok")
    'header Authorization: ***'
    >>> without_named_secrets("refresh_token=abc&scope=1, Extended master secret: yes")
    'refresh_token=***&scope=1, Extended master secret: yes'
    """
    text = without_secrets(text) if "://" in text else text
    low = text.lower()
    if not any(word in low for word in _WORDS):
        return text
    return _NAMED.sub(r"\1\2***", _HEADER.sub(r"\1\2\3***", text))
