"""The curl command that comes nearest to what a client offered; for a curl built with OpenSSL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from analyzer.reproduce.openssl_client import shape_sent
from analyzer.reproduce.openssl_names import OLDEST, Release, group_name, suite_name
from analyzer.reproduce.recipe import Recipe, Wanted
from analyzer.reproduce.shape import rough_differences
from analyzer.reproduce.shell import command
from analyzer.tls.registry.code_points import ExtensionType, ProtocolVersion

_VERSIONS: Final = {0x0301: "1.0", 0x0302: "1.1", 0x0303: "1.2", 0x0304: "1.3"}
_TLS13: Final = ProtocolVersion.TLS1_3.rank
_SCHEMES: Final = {name: name for name in ("smtp", "imap", "pop3", "ftp", "ldap")}


def curl(wish: Wanted, release: Release = OLDEST) -> Recipe:
    """Write the command for a connection."""
    shape = replace(wish.shape, server_name=wish.server_name, alpn=_alpn(wish))
    scheme = _SCHEMES.get(wish.starttls or "")
    words = command(
        ("curl", "--verbose", *(() if wish.judges else ("--insecure",)), "--max-time", "20"),
        _versions(wish),
        _suites(wish),
        _groups(wish, release),
        _switches(wish, mail=scheme is not None),
        ("--cert", "client.pem", "--key", "client.key") if wish.client_certificate else (),
        ("--proxy", f"http://{wish.proxy}", "--proxytunnel") if wish.proxy else (),
        ("--ssl-reqd",) if scheme else (),
        _where(wish, scheme or "https"),
    )
    sent = replace(
        shape_sent(shape, release), schemes=None if shape.top >= 0x0303 else shape.schemes
    )
    return Recipe(
        tool="curl",
        title="curl",
        command=words,
        notes=(*wish.notes, *_notes(wish, scheme)),
        unlike=rough_differences(wish.shape, sent, "curl and its TLS library"),
        shape=sent,
    )


def _versions(wish: Wanted) -> tuple[str, ...]:
    low = _VERSIONS.get(max(wish.shape.bottom, 0x0301), "1.2")
    return (f"--tlsv{low}", "--tls-max", _VERSIONS.get(wish.shape.top, low))


def _suites(wish: Wanted) -> tuple[str, ...]:
    older = [name for suite in wish.shape.older_suites if (name := suite_name(suite))]
    words = ["--ciphers", ":".join([*(older or ["ALL"]), "@SECLEVEL=0"])]
    newer = [name for s in wish.shape.tls13_suites if s.value <= 0x1305 and (name := suite_name(s))]
    if newer and wish.shape.top >= _TLS13:
        words += ["--tls13-ciphers", ":".join(newer)]
    return tuple(words)


def _groups(wish: Wanted, release: Release) -> tuple[str, ...]:
    groups = [name for g in wish.shape.groups or () if (name := group_name(g, release))]
    return ("--curves", ":".join(groups)) if groups else ()


def _alpn(wish: Wanted) -> tuple[str, ...]:
    """The ALPN names that curl can be made to send."""
    if wish.starttls:
        return ()
    if "h2" in wish.alpn:
        return ("h2", "http/1.1")
    return ("http/1.1",) if "http/1.1" in wish.alpn else ()


def _switches(wish: Wanted, *, mail: bool) -> tuple[str, ...]:
    alpn = _alpn(wish)
    # It asks for a staple and gives up without one.
    words = ["--cert-status"] if wish.story.staple is not None else []
    if alpn == ("http/1.1",):
        words.append("--http1.1")
    elif not alpn and not mail:
        words.append("--no-alpn")
    return tuple(words)


def _where(wish: Wanted, scheme: str) -> tuple[str, ...]:
    """The URL by name, and the address beside it; curl sends no name for an address."""
    if wish.server_name is None or wish.server_name == wish.host:
        return (f"{scheme}://{wish.address}/",)
    if wish.proxy:
        return (f"{scheme}://{wish.server_name}:{wish.port}/",)
    return (
        *("--connect-to", f"::{wish.address}"),
        f"{scheme}://{wish.server_name}:{wish.port}/",
    )


def _notes(wish: Wanted, scheme: str | None) -> Iterator[str]:
    yield "needs a curl built with OpenSSL ('curl --version'): other libraries take other names"
    if wish.starttls and scheme is None:
        yield f"curl does not speak {wish.starttls}: this starts with TLS at once"
    if wish.shape.sends(ExtensionType.STATUS_REQUEST) and wish.story.staple is None:
        yield "it does not ask for a staple (OCSP): with --cert-status it asks, and gives up without one"
    how = "it judges the certificate, as the client did" if wish.judges else _WITHOUT
    yield f"{how}; roots of its own with --cacert"


_WITHOUT = "without --insecure it judges the certificate as a client does"
