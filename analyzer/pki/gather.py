"""Everything that files and folders hold: certificates, lists, chains, and what was passed over.

How a capture becomes stories is the caller's business: this room knows stores only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from analyzer.errors import CaptureError
from analyzer.pki.inventory import Inventory
from analyzer.pki.path import Trust
from analyzer.pki.stores import Passwords, Store, read_input, read_store
from analyzer.pki.targets import Target, Targets, chains_of, of_store
from analyzer.tls.story import Story

Stories: TypeAlias = Callable[[str], Iterable[Story]]
FILES_MOST: Final = 100_000  # of a folder


@dataclass(slots=True)
class Gathered:
    """What was found. ``notes`` say in sentences what could not be read."""

    stock: Inventory = field(default_factory=Inventory)
    stores: list[Store] = field(default_factory=list)
    sent: Targets = field(default_factory=Targets)
    sources: int = 0
    notes: list[str] = field(default_factory=list)
    hidden: int = 0  # connections whose certificates are encrypted or missing

    def crls(self) -> tuple[bytes, ...]:
        """The revocation lists of all files."""
        return tuple(dict.fromkeys(crl for store in self.stores for crl in store.crls))

    def keys(self) -> Mapping[bytes, tuple[str, ...]]:
        """The files that hold a private key, by its public half."""
        found: dict[bytes, tuple[str, ...]] = {}
        for store in self.stores:
            for half in store.public_keys:
                found[half] = (*found.get(half, ()), store.path)
        return found

    def targets(self) -> Iterator[tuple[Target, int]]:
        """All chains: those sent, then the leaves of files, each with what all files hold.

        Where there is neither, the authorities themselves.
        """
        yield from self.sent
        held = Trust(held.der for store in self.stores for held in store.certificates)
        found = Targets()
        for authorities in (False, True):
            if not found and not (authorities and self.sent):
                for store in self.stores:
                    found.add(of_store(store, held, authorities=authorities))
        yield from found


def gather(places: Sequence[str], passwords: Passwords, stories: Stories) -> Gathered:
    """Read files and folders.

    Args:
        places: A file that is named must be readable; in a folder, what is nothing of ours is
            passed over, and what cannot be opened is noted.
        passwords: For stores.
        stories: Reads a capture, and raises CaptureError where a file is none.

    Raises:
        CaptureError: A file that was named cannot be read.
    """
    found = Gathered()
    for place in places:
        if place != "-" and Path(place).is_dir():
            _gather_folder(found, place, passwords, stories)
        else:
            _gather_file(found, place, passwords, stories)
    if found.hidden:
        one = found.hidden == 1
        words = "1 connection hides its" if one else f"{found.hidden} connections hide their"
        found.notes.append(f"{words} certificates: TLS 1.3 encrypts them, or packets are missing")
    return found


def _gather_file(found: Gathered, path: str, passwords: Passwords, stories: Stories) -> None:
    store = read_input(passwords) if path == "-" else read_store(path, passwords)
    if store is None:
        _gather_capture(found, path, stories)
    else:
        found.stock.add_store(store)
        found.stores.append(store)
        found.notes += (f"{path}: {note}" for note in store.notes)
    found.sources += 1


def _gather_capture(found: Gathered, path: str, stories: Stories) -> None:
    try:
        for story in stories(path):
            found.stock.add_story(path, story)
            found.hidden += story.choice is not None and bool(story.blind_to("server_certificate"))
            found.sent.add(chains_of(path, story))
    except CaptureError as error:
        if error.offset is not None or error.problem.startswith("cannot"):
            raise
        problem = f"holds no certificates, and as a capture it {error.problem}"
        raise CaptureError(problem, path=path, hint=error.hint) from error


def _gather_folder(found: Gathered, folder: str, passwords: Passwords, stories: Stories) -> None:
    others = 0
    for number, path in enumerate(_files(folder)):
        if number >= FILES_MOST:
            found.notes.append(f"{folder}: only its first {FILES_MOST} files were read")
            break
        try:
            _gather_file(found, path, passwords, stories)
        except CaptureError as error:
            if "password" in error.hint or error.offset is not None:
                found.notes.append(str(error))
            else:
                others += 1
    if others:
        files = "file holds" if others == 1 else "files hold"
        found.notes.append(f"{folder}: {others} {files} neither certificates nor packets")


def _files(folder: str) -> Iterator[str]:
    """All files below a folder in order of their names; links to what was met are left out."""
    met: set[Path] = set()
    for path in sorted(Path(folder).rglob("*"), key=lambda p: (p.is_symlink(), p)):
        real = path.resolve()
        if real not in met and real.is_file():
            met.add(real)
            yield str(path)
