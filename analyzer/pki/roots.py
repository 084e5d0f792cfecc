"""What the receiving side trusts: files and folders given, the system's roots, certifi's."""

from __future__ import annotations

import importlib
import ssl
from collections.abc import Iterable, Iterator
from pathlib import Path

from analyzer.errors import CaptureError, UsageError
from analyzer.pki.path import Trust
from analyzer.pki.stores import NO_PASSWORDS, Passwords, Store, read_store


def trust_of(
    places: Iterable[str], passwords: Passwords = NO_PASSWORDS, *, system: bool = False
) -> Trust:
    """The certificates of files and folders, with the system's roots where asked for.

    Raises:
        CaptureError: A file cannot be read, or holds no certificate.
        UsageError: The system's roots were not found.
    """
    ders: list[bytes] = []
    named = list(places)
    for place in named:
        found = [held.der for store in _stores(place, passwords) for held in store.certificates]
        if not found:
            hint = "give roots in PEM, DER, PKCS#7, PKCS#12 or JKS"
            raise CaptureError("holds no certificate", path=place, hint=hint)
        ders += found
    if system:
        roots, source = system_roots()
        ders += roots
        named.append(source)
    return Trust(ders, ", ".join(named))


def _stores(place: str, passwords: Passwords) -> Iterator[Store]:
    """The stores at a place; in folders, what is no store is passed over."""
    path = Path(place)
    if not path.is_dir():
        store = read_store(place, passwords)
        if store is not None:
            yield store
        return
    for file in sorted(p for p in path.iterdir() if p.is_file()):
        try:
            store = read_store(str(file), passwords)
        except CaptureError:
            continue
        if store is not None:
            yield store


def system_roots() -> tuple[list[bytes], str]:
    """The system's roots and where they are from; certifi's where there are none.

    Raises:
        UsageError: There are neither.
    """
    paths = ssl.get_default_verify_paths()
    for place in (paths.cafile, paths.capath, _certifi()):
        if not place:
            continue
        found = [h.der for store in _stores(place, NO_PASSWORDS) for h in store.certificates]
        if found:
            return found, place
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()  # Windows keeps them in a store of its own
    known = context.get_ca_certs(binary_form=True)
    if not known:
        raise UsageError("--system-roots: this system has none; give roots with --ca FILE")
    return known, "the system's store"


def _certifi() -> str | None:
    try:
        return str(importlib.import_module("certifi").where())
    except ImportError:
        return None
