"""Text from a capture is an attacker's text: make it harmless before anyone looks at it.

Names in certificates, hostnames and file names may hold control characters that move a terminal's
cursor, or that turn the direction of writing round. They are shown as escapes, never sent.
"""

from __future__ import annotations

import re

# C0 and C1 controls, DEL, line and paragraph separators, and what changes the direction of text or
# is invisible (Unicode TR 36, section 2.5); lone surrogates cannot be encoded at all.
_HARMFUL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)

_SURROGATE = re.compile("[\ud800-\udfff]")

# What stands for signs that an encoding other than UTF-8 may lack.
_TYPOGRAPHY = {
    "§": "section ",
    "–": "-",
    "—": "-",
    "…": "...",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "→": "->",
    "←": "<-",
    "×": "x",
    "·": "-",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "\u00a0": " ",
    "\u2011": "-",
}


def printable(text: str) -> str:
    r"""Show harmful characters as escapes.

    >>> print(printable("evil\x1b[2Jname\u202e"))
    evil\x1b[2Jname\u202e
    """
    return _HARMFUL.sub(_escape, text)


def one_line(text: str) -> str:
    """Join lines and make the rest printable: for messages that must fit a log."""
    return printable(" ".join(text.split()))


def encodable(text: str) -> str:
    r"""Replace lone surrogates, as in file names that are not UTF-8, by escapes.

    >>> print(encodable("tr\udce4ce.pcap"))
    tr\xe4ce.pcap
    """
    return text if text.isascii() else _SURROGATE.sub(_escape_byte, text)


def fits(text: str, encoding: str | None) -> bool:
    """Whether a stream of this encoding can carry the text."""
    try:
        text.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def simplify(text: str, encoding: str | None) -> str:
    """Write typographic signs in ASCII where the stream cannot carry them."""
    if text.isascii() or fits(text, encoding):
        return text
    return "".join(_TYPOGRAPHY.get(sign, sign) for sign in text)


def _escape_byte(match: re.Match[str]) -> str:
    """Show U+DC80 to U+DCFF as the byte that they stand for (PEP 383)."""
    code = ord(match[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
