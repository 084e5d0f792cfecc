"""Third-party captures that live beside the repository, not in it.

They are found in ``../shared`` (seen from the root of the repository) or where the environment
variable ``HANDSHAKE_ANALYZER_SHARED`` points. A test that needs them says ``shared("corpus/tls")``
and is skipped, with the reason, where the folder is absent.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def shared(path: str = "") -> Path:
    """Return a path under the shared folder; skip the calling test where it does not exist."""
    wanted = _folder() / path
    if not wanted.exists():
        pytest.skip(f"{wanted} is absent (set HANDSHAKE_ANALYZER_SHARED)")
    return wanted


def shared_files(path: str) -> list[Path]:
    """List the files of a shared folder, for parametrizing; empty where it is absent."""
    folder = _folder() / path
    return sorted(f for f in folder.iterdir() if f.is_file()) if folder.is_dir() else []


def _folder() -> Path:
    return Path(os.environ.get("HANDSHAKE_ANALYZER_SHARED") or ROOT.parent / "shared")
