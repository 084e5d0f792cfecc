"""``python -m tests.bench record`` and ``python -m tests.bench score``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.bench import say
from tests.bench.accuracy import write
from tests.bench.keyed import make
from tests.bench.record import record
from tests.bench.scenarios import scenarios
from tests.bench.score import score

RECORDED = Path(__file__).parent / "recorded"


def main() -> int:
    """Parse the command line and do as it says."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record", help="run the scenarios and keep the captures")
    recording.add_argument("--only", default="*", metavar="PATTERN", help="names, as of a shell")
    recording.add_argument("--out", type=Path, default=RECORDED, metavar="DIR")
    recording.add_argument("--talk", type=Path, metavar="DIR", help="keep what programs printed")
    scoring = commands.add_parser("score", help="hold the analyzer against the truth")
    scoring.add_argument("folder", type=Path, nargs="?", default=RECORDED, metavar="DIR")
    scoring.add_argument("--keys", action="store_true", help="decrypt with the keys recorded")
    scoring.add_argument("--verbose", action="store_true", help="list every wrong row")
    accuracy = commands.add_parser("accuracy", help="write docs/accuracy.md")
    accuracy.add_argument("--record", action="store_true", help="record the scenarios anew first")
    commands.add_parser("keyed", help="make the captures that decryption is held against")
    commands.add_parser("list", help="name the scenarios")
    options = parser.parse_args()
    if options.command == "record":
        return int(record(options.out, options.only, options.talk) > 0)
    if options.command == "score":
        return int(score(options.folder, keys=options.keys, verbose=options.verbose) > 0)
    if options.command == "accuracy":
        failed = record(RECORDED, "*", None) if options.record else 0
        say(write(RECORDED))
        return int(failed > 0)
    if options.command == "keyed":
        return int(make() > 0)
    for scenario in scenarios():
        say(scenario.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
