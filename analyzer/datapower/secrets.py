"""What must not be kept of a value, even of one that is wanted."""

from __future__ import annotations

import re
from typing import Final

_USER: Final = re.compile(r"(\w+://)[^/?#\s]*@")  # RFC 3986 section 3.2.1: user:password@host
_QUERY: Final = re.compile(r"(\w+://[^?#\s]*)[?#]\S*")  # keys of services travel in queries


def without_secrets(text: str) -> str:
    """Take user, password and query out of a URL; other text is left as it is.

    >>> without_secrets("https://me:secret@backend:8443/in?apikey=1")
    'https://backend:8443/in'
    """
    return _QUERY.sub(r"\1", _USER.sub(r"\1", text))
