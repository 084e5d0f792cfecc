"""Other addresses and names in the place of the real ones: the same everywhere, and as long.

Addresses keep their common prefixes: two that share the first *n* bits share them in disguise, too
(the scheme of Xu, Fan, Ammar and Moon, "Prefix-Preserving IP Address Anonymization", with HMAC for
the cipher). Names keep the lengths of their labels, and labels that are alike stay alike.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Iterator, Mapping
from typing import Final

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_ATTEMPTS: Final = 100
# A last label that names no one: those of countries, and these (RFC 2606, RFC 6762, RFC 9476).
_PUBLIC: Final = frozenset(
    [
        "com",
        "net",
        "org",
        "edu",
        "gov",
        "mil",
        "int",
        "info",
        "example",
        "test",
        "invalid",
        "localhost",
        "local",
        "internal",
        "lan",
        "alt",
    ]
)


class Disguise:
    """Maps addresses and names, and remembers how.

    Names and addresses in ``shown`` stay: a certificate of the extract tells them anyway, and
    whether they are those that were asked for is what matters.
    """

    def __init__(self, key: bytes, shown: frozenset[str] = frozenset()) -> None:
        self._key = key
        self._shown = shown
        self._parents = frozenset(name[2:] for name in shown if name.startswith("*."))
        self._packed: dict[bytes, bytes] = {}
        self._labels: dict[tuple[str, str], str] = {}
        self._used: set[tuple[str, str]] = set()
        self._names: dict[str, str] = {}
        self.kept: set[str] = set()  # what stayed since a certificate shows it

    @property
    def mapping(self) -> Mapping[str, Mapping[str, str]]:
        """What stands for what, by kind."""
        addresses = {
            str(ipaddress.ip_address(real)): str(ipaddress.ip_address(other))
            for real, other in self._packed.items()
            if real != other
        }
        names = {name: other for name, other in self._names.items() if name != other}
        return {"addresses": dict(sorted(addresses.items())), "names": dict(sorted(names.items()))}

    def address(self, packed: bytes) -> bytes:
        """The address to show for one of 4 or 16 bytes."""
        if packed not in self._packed:
            text = str(ipaddress.ip_address(packed))
            shown = text in self._shown
            if shown:
                self.kept.add(text)
            self._packed[packed] = packed if shown else self._flipped(packed)
        return self._packed[packed]

    def name(self, name: str) -> str:
        """The name to show for one, of the same length."""
        lower = name.lower()
        if lower in self._shown:
            self.kept.add(lower)
            return name
        if lower not in self._names:
            self._names[lower] = self._renamed(lower)
        return self._names[lower]

    def _flipped(self, packed: bytes) -> bytes:
        bits = "".join(f"{byte:08b}" for byte in packed)
        other = 0
        for at, bit in enumerate(bits):
            seed = f"{len(packed)} {bits[:at]}".encode()
            other = other << 1 | (int(bit) ^ hmac.digest(self._key, seed, hashlib.sha256)[0] & 1)
        return other.to_bytes(len(packed))

    def _renamed(self, name: str) -> str:
        labels = name.split(".")
        if all(label.isdecimal() for label in labels):
            return ".".join("0" * len(label) for label in labels)  # an address in letters
        shown: list[str] = []
        for at in range(len(labels) - 1, -1, -1):
            parent = ".".join(labels[at + 1 :])
            if parent in self._parents:
                self.kept.add(f"*.{parent}")
                shown = labels[at + 1 :]
            public = not parent and len(labels) > 1 and _is_public(labels[at])
            shown = [labels[at] if public else self._label(labels[at], parent), *shown]
        return ".".join(shown)

    def _label(self, label: str, parent: str) -> str:
        """Letters in the place of a label; two labels under one parent never become one."""
        if (label, parent) not in self._labels:
            fresh = (o for o in self._options(label, parent) if (o, parent) not in self._used)
            chosen = next(fresh, "x" * len(label))
            self._used.add((chosen, parent))
            self._labels[label, parent] = chosen
        return self._labels[label, parent]

    def _options(self, label: str, parent: str) -> Iterator[str]:
        for attempt in range(_ATTEMPTS):
            seed = f"{attempt} {label} {parent}".encode()
            digest = hashlib.shake_256(self._key + seed).digest(len(label))
            yield "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest)


def _is_public(label: str) -> bool:
    return label in _PUBLIC or (len(label) == 2 and label.isalpha())
