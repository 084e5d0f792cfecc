"""Time the analyzer and its peers on the captures of ``build.py``; print a Markdown table.

``python benchmarks/run.py FOLDER [--runs 3] [--only storm]``. Each command runs as a process of its
own, by turns with the others, so that noise falls on all of them alike; medians are given. Peers
that are not installed are left out. Peak memory is that of its largest process.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

HANDSHAKE = (
    *("-Y", "tls.handshake || tls.alert_message", "-T", "fields", "-e", "tcp.stream"),
    *("-e", "tls.handshake.type", "-e", "tls.handshake.ciphersuite"),
    *("-e", "tls.handshake.extensions_server_name", "-e", "tls.alert_message.desc"),
)
PEERS = {
    "tshark, handshake fields": ("tshark", "-r", "{}", *HANDSHAKE),
    "ndpiReader": ("ndpiReader", "-i", "{}", "-q"),
    "ssldump": ("ssldump", "-r", "{}"),
    "tcpdump, no match": ("tcpdump", "-r", "{}", "-w", os.devnull, "udp port 1"),
    "plain reading": ("cat", "{}"),
}
OURS = (sys.executable, "-m", "analyzer", "analyze", "{}")
COMMANDS = {
    "analyze --format ndjson": (*OURS, "--format", "ndjson"),
    "the same, --jobs 1": (*OURS, "--format", "ndjson", "--jobs", "1"),
    "analyze (text)": OURS,
    **PEERS,
}
PASS = (sys.executable, "-c", "pass")
STARTS = {
    "python -c pass": PASS,
    "--help": (sys.executable, "-m", "analyzer", "--help"),
    "a capture of 20 packets, ndjson": (*OURS[:-1], "{small}", "--format", "ndjson"),
    "a capture of 20 packets, text": (*OURS[:-1], "{small}"),
}
PATIENCE = 300  # seconds that a program may take
SMALL = Path(__file__).parents[1] / "sample_pcaps" / "cert_expired.pcap"
ROOT = Path(__file__).parents[1]


def timed(command: Sequence[str]) -> tuple[float, float]:
    """Wall seconds (:data:`PATIENCE` at most) and peak MiB of a command; its output goes nowhere."""
    # Users have compiled modules; an environment that forbids them would time the compiler.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT, env=environment
    )
    late = threading.Timer(PATIENCE, process.kill)
    late.start()
    _, _, usage = os.wait4(process.pid, 0)
    late.cancel()
    return time.perf_counter() - begin, usage.ru_maxrss / 1024


def measured(
    commands: dict[str, tuple[str, ...]], runs: int, **names: str
) -> Iterator[tuple[str, float, float]]:
    """Median seconds and MiB of each command that is installed."""
    there = {
        name: [part.format(names.get("path", ""), **names) for part in command]
        for name, command in commands.items()
        if shutil.which(command[0])
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in there}
    for _ in range(runs):
        for name, command in there.items():
            if not found[name] or found[name][-1][0] < PATIENCE:
                found[name].append(timed(command))
    for name, results in found.items():
        seconds, memory = zip(*results, strict=True)
        yield name, statistics.median(seconds), statistics.median(memory)


def reaching(path: Path) -> str:
    """How many packets become objects; another process counts, for what it takes is not ours."""
    command = [sys.executable, str(ROOT / "benchmarks" / "rows.py"), str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def captures(folder: Path, only: str | None, runs: int) -> None:
    """Print the table of each capture; ratios are to the analyzer's ndjson."""
    for path in sorted(folder.glob("*.pcap")):
        if only and path.stem != only:
            continue
        rows = list(measured(COMMANDS, runs, path=str(path)))
        own = rows[0][1]
        print(f"\n{path.stem}: {path.stat().st_size / 1e6:.0f} MB; to Python: {reaching(path)}\n")
        print("| | seconds | times ours | MiB |\n|---|---:|---:|---:|")
        for name, seconds, memory in rows:
            least = "over " if seconds >= PATIENCE else ""
            print(
                f"| {name} | {least}{seconds:.2f} | {seconds / own:.2f} | {memory:.0f} |",
                flush=True,
            )


def starts(runs: int) -> None:
    """Print how long a start takes, and how many times that of Python itself."""
    rows = list(measured(STARTS, runs, small=str(SMALL)))
    print("\n| start | seconds | times python -c pass |\n|---|---:|---:|")
    for name, seconds, _ in rows:
        print(f"| {name} | {seconds:.3f} | {seconds / rows[0][1]:.1f} |")


def main() -> None:
    """Print the tables, with the date and the kind of machine."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only")
    options = parser.parse_args()
    day = time.strftime("%Y-%m-%d", time.gmtime())
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    print(f"{day}, {machine}, medians of {options.runs}")
    starts(max(options.runs, 5))
    captures(options.folder, options.only, options.runs)


if __name__ == "__main__":
    main()
