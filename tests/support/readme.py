"""The answer that README shows: made by the tool, so that it cannot go stale.

``python -m tests.support.readme`` writes it anew; a test compares.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
SAMPLE = "sample_pcaps/cert_expired.pcap"
_BLOCK = re.compile(r"(<!-- answer -->\n)(.*?)(<!-- /answer -->)", re.DOTALL)


def shown() -> str:
    """The block as README has it."""
    match = _BLOCK.search(README.read_text(encoding="utf-8"))
    assert match is not None
    return match[2]


def made() -> str:
    """The block as the tool prints it now."""
    done = subprocess.run(
        [sys.executable, "-m", "analyzer", SAMPLE],
        capture_output=True,
        encoding="utf-8",
        check=True,
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "80", "PYTHONUTF8": "1", "NO_COLOR": "1"},
    )
    return f"```\n$ handshake-analyzer {SAMPLE}\n{done.stdout}```\n"


def main() -> None:
    text = README.read_text(encoding="utf-8")
    README.write_text(_BLOCK.sub(lambda m: m[1] + made() + m[3], text), encoding="utf-8")


if __name__ == "__main__":
    main()
