"""What must not be kept of a value, even of one that is wanted."""

from __future__ import annotations

import re
from typing import Final

_USER: Final = re.compile(
    r"\b(\w{1,32}://)[^/?#\s]*@"
)  # RFC 3986 section 3.2.1: user:password@host
_QUERY: Final = re.compile(
    r"\b(\w{1,32}://[^?#\s]*)(?:[?#]\S*)?"
)  # keys of services travel in queries
_NAMED: Final = re.compile(  # what a debug log may quote: headers, parameters, JSON
    r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie|pass(?:word|wd|phrase)?|pwd|secret|client[_-]?secret"
    r"|api[_-]?key|access[_-]?token|token|x-ibm-client-secret)\b"
    r"(['\"]?\s{0,3}[=:]\s{0,3}['\"]?)(?:(?:basic|bearer|negotiate)\s+)?[^\s'\",;&)]{1,4096}"
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
    "header Authorization: ***, password='***' ok"
    """
    text = without_secrets(text) if "://" in text else text
    low = text.lower()
    return _NAMED.sub(r"\1\2***", text) if any(word in low for word in _WORDS) else text
