"""The target as atheris wants it: the analyzer instrumented, arguments those of libFuzzer."""

from __future__ import annotations

import sys


def main() -> None:
    """Fuzz until libFuzzer has enough."""
    import atheris

    with atheris.instrument_imports(include=["analyzer"]):
        from tests.fuzz.target import consume
    atheris.Setup(sys.argv, consume)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
