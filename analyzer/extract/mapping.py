"""The private file that leads back from a disguise: its key, and what stands for what."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any, Final

from analyzer.errors import UsageError
from analyzer.extract.disguise import Disguise
from analyzer.report.sink import written_beside

_KIND: Final = "handshake-analyzer mapping"
_KEY_BYTES: Final = 32
_MOST: Final = 16 << 20  # bytes of such a file


def key_of(path: Path) -> bytes:
    """The key of an earlier mapping, so that the same stands for the same; else a new one.

    Raises:
        UsageError: There is another file in its place.
    """
    if not path.exists():
        return secrets.token_bytes(_KEY_BYTES)
    try:
        with path.open("rb") as file:
            return _key_in(json.loads(file.read(_MOST)))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path}: no mapping that can be gone on with ({type(error).__name__}); name another file"
        ) from None


def _key_in(told: Any) -> bytes:
    if told["kind"] != _KIND:
        raise ValueError(told["kind"])
    return bytes.fromhex(told["key"])


def write_mapping(path: Path, key: bytes, disguise: Disguise) -> None:
    """Write a mapping that only its owner may read."""
    told = {"kind": _KIND, "key": key.hex(), **disguise.mapping}
    with written_beside(path, private=True) as file:
        json.dump(told, file, indent=2, ensure_ascii=False)
        file.write("\n")
