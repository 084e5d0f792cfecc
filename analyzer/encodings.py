"""Text files as editors and shells of Windows write them: with a mark, or in UTF-16."""

from __future__ import annotations

from typing import Final

UTF8_MARK: Final = b"\xef\xbb\xbf"
UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


def as_utf8(data: bytes) -> bytes:
    r"""The same text in UTF-8 without a mark; PowerShell redirects in UTF-16.

    Raises:
        UnicodeDecodeError: It has the mark of UTF-16, and is not UTF-16.

    >>> as_utf8('{"a": 1}'.encode("utf-16")), as_utf8(b"\xef\xbb\xbf{}")
    (b'{"a": 1}', b'{}')
    """
    if data.startswith(UTF16_MARKS):
        return data.decode("utf-16").encode()
    return data.removeprefix(UTF8_MARK)
