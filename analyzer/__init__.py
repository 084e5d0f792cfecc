"""Say for every TLS connection of a packet capture which step of the handshake failed, and why.

>>> from analyzer import analyze
>>> report = analyze("trace.pcap")  # doctest: +SKIP
>>> for connection in report.failed:  # doctest: +SKIP
...     print(connection.stream, connection.diagnosis.title)

This module is the public API; what it does not export may change in any version. Importing it is
cheap: the rest is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from os import PathLike
    from typing import BinaryIO

    from analyzer.errors import CaptureError, UsageError
    from analyzer.limits import Limits
    from analyzer.report.schema import (
        Alert,
        Alternative,
        Capture,
        Certificate,
        Connection,
        Evidence,
        Finding,
        Group,
        Message,
        Report,
        Summary,
    )

__version__ = "0.1.0"

_HOME = {
    "CaptureError": "analyzer.errors",
    "UsageError": "analyzer.errors",
    "Limits": "analyzer.limits",
    "Alert": "analyzer.report.schema",
    "Alternative": "analyzer.report.schema",
    "Capture": "analyzer.report.schema",
    "Certificate": "analyzer.report.schema",
    "Connection": "analyzer.report.schema",
    "Evidence": "analyzer.report.schema",
    "Finding": "analyzer.report.schema",
    "Group": "analyzer.report.schema",
    "Message": "analyzer.report.schema",
    "Report": "analyzer.report.schema",
    "Summary": "analyzer.report.schema",
}

__all__ = [
    "Alert",
    "Alternative",
    "Capture",
    "CaptureError",
    "Certificate",
    "Connection",
    "Evidence",
    "Finding",
    "Group",
    "Limits",
    "Message",
    "Report",
    "Summary",
    "UsageError",
    "__version__",
    "analyze",
]


def analyze(
    source: str | PathLike[str] | BinaryIO | Sequence[str | PathLike[str]],
    *,
    streams: Collection[int] | None = None,
    failed: bool = False,
    limits: Limits | None = None,
    keylogs: Sequence[str | PathLike[str]] = (),
    keys: Sequence[str | PathLike[str]] = (),
    key_password: bytes | None = None,
) -> Report:
    """Analyse a capture: a path, a binary stream, or the paths of a capture kept in several files.

    Args:
        source: Files of one capture may come in any order; they are read in order of time.
        streams: Report on these connections only (Wireshark's ``tcp.stream``).
        failed: Report on failed connections only.
        limits: Other bounds on memory than the default.
        keylogs: NSS key logs, to decrypt handshake messages and alerts with.
        keys: Private keys of servers (PEM), for key exchanges by RSA.
        key_password: Opens those of the keys that are encrypted.

    Summary and groups always speak of the whole capture.

    Raises:
        CaptureError: A file cannot be read, or is not a capture.
        UsageError: A key log or a key cannot be read. What is wrong inside one is a caveat.
    """
    from analyzer.keys import read_secrets  # noqa: PLC0415 - keeps the import of the package cheap
    from analyzer.limits import DEFAULT  # noqa: PLC0415 - as above
    from analyzer.pipeline import Analysis, Selection  # noqa: PLC0415 - as above

    selection = Selection(streams=None if streams is None else frozenset(streams), failed=failed)
    sources: Sequence[str | PathLike[str] | BinaryIO]
    sources = source if isinstance(source, (list, tuple)) else [cast("str", source)]
    bounds = limits or DEFAULT
    secrets = read_secrets(keylogs, keys, key_password, bounds)
    return Analysis(sources, limits=bounds, secrets=secrets).report(selection)


def __getattr__(name: str) -> Any:
    """Load an exported type when it is first asked for (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
