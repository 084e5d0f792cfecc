"""Fuzz by the clock: ``python -m tests.fuzz --seconds 600``.

Half of the time goes to damage that hypothesis draws, half to atheris, which is led by coverage and
is left out where it is not installed. What breaks something is written into the folder; put it into
``tests/fuzz/found`` when it is mended. Exit status 1 if anything was found.
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import subprocess
import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.mutations import damaged
from tests.fuzz.seeds import seeds
from tests.fuzz.target import LEAST_SECONDS, MOST_MIB, consume

_AT_A_TIME = 100
_LONGEST = 20_000  # bytes of an input that atheris makes
_TURN = 60  # seconds of a run of atheris, whose own memory grows with all that it has met
_INSTRUMENTS_MIB = 200  # what coverage and the corpus take of its process in that time
_PATIENCE = 5  # times longer by the clock than the processor may work: for a hang


def by_damage(seconds: float, folder: Path) -> bool:
    """Draw damage until the time is over; say whether nothing was found."""
    files = list(seeds().values())
    tried = 0

    @settings(
        max_examples=_AT_A_TIME,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(damaged(files))
    def attempt(data: bytes) -> None:
        nonlocal tried
        tried += 1
        try:
            consume(data)
        except Exception:
            (folder / "damaged").write_bytes(data)
            raise

    end = time.monotonic() + seconds
    begin = time.time_ns()
    while time.monotonic() < end:
        seed(begin + tried)(attempt)()
    memory = most_memory()
    print(f"hypothesis: {tried} captures, {memory:.0f} MiB")
    assert memory < MOST_MIB, "more memory than is allowed"
    return True


def most_memory() -> float:
    """The most memory this process has had, MiB.

    ``ru_maxrss`` is not asked on Linux: after an exec it still counts the memory of the parent.
    """
    status = Path("/proc/self/status")
    if status.exists():
        told = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(told["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def by_coverage(seconds: float, folder: Path) -> bool:
    """Let atheris look for new paths; say whether nothing was found."""
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed; left out")
        return True
    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for name, data in seeds().items():
        (corpus / name).write_bytes(data)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if not _led(min(left, _TURN), corpus, folder):
            return False
    return _replayed(corpus)


def _led(seconds: float, corpus: Path, folder: Path) -> bool:
    """One run of atheris, which adds to the corpus."""
    command = [sys.executable, "-m", "tests.fuzz.guided", str(corpus)]
    command += [f"-max_total_time={seconds:.0f}", f"-max_len={_LONGEST}", "-print_final_stats=1"]
    command += [
        f"-timeout={LEAST_SECONDS * _PATIENCE:.0f}",
        f"-artifact_prefix={folder}/",
        "-verbosity=0",
    ]
    command += [f"-rss_limit_mb={MOST_MIB + _INSTRUMENTS_MIB}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if line.startswith("stat::")]
    print("atheris:", *(line.removeprefix("stat::").replace(" ", "") for line in told))
    if done.returncode:
        print(done.stdout[-3000:], done.stderr[-3000:])
    return done.returncode == 0


def _replayed(corpus: Path) -> bool:
    """Analyse the corpus without instruments, whose memory would hide the program's own."""
    command = [sys.executable, "-m", "tests.fuzz", "--replay", str(corpus)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr[-3000:], sep="", end="")
    return done.returncode == 0


def replay(corpus: Path) -> bool:
    """Analyse each file of a folder; say whether that stays within bounds."""
    files = sorted(corpus.iterdir())
    for file in files:
        consume(file.read_bytes())
    memory = most_memory()
    print(f"replayed: {len(files)} captures, {memory:.0f} MiB")
    return memory < MOST_MIB


def main() -> int:
    """Fuzz, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--replay", type=Path, help="a folder to analyse, and nothing else")
    options = parser.parse_args()
    if options.replay is not None:
        return 0 if replay(options.replay) else 1
    options.folder.mkdir(parents=True, exist_ok=True)
    half = options.seconds / 2
    if not by_damage(half, options.folder) or not by_coverage(half, options.folder):
        return 1
    print("nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
