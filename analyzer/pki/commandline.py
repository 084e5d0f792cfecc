"""The ``openssl verify`` command that checks a chain again, on files as ``--export`` writes them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from analyzer.pki.names import file_name
from analyzer.pki.revocation import CrlCheck
from analyzer.pki.targets import Target
from analyzer.pki.verify import Settings
from analyzer.tls.x509.chain import read_certificate


def openssl_verify(
    target: Target,
    settings: Settings,
    *,
    time: int | None,
    roots: Sequence[str],
    crls: Sequence[str],
) -> str:
    """Write the command. ``roots`` are its options; without any it takes the system's."""
    words = ["openssl", "verify"]
    if time is not None:
        words += ["-attime", str(time // 1_000_000_000)]
    if target.purpose is not None:
        words += ["-purpose", target.purpose.value]
    host = target.hostname
    if host is not None and host.isprintable() and not host.startswith("-"):
        words += ["-verify_ip" if _is_address(host) else "-verify_hostname", host]
    words += ["-auth_level", str(settings.level)]
    words += ["-partial_chain"] if settings.partial_chain else []
    words += roots
    for crl in crls:
        words += ["-CRLfile", crl]
    if crls or settings.crl_check is not CrlCheck.AT_HAND:
        words += ["-crl_check"]
    words += ["-crl_check_all"] if settings.crl_check is CrlCheck.ALL else []
    leaf, *others = (file_name(read_certificate(der)) for der in target.sent[:_MOST])
    for other in others:
        words += ["-untrusted", other]
    return " ".join(shlex.quote(word) for word in (*words, leaf))


_MOST = 8  # a file of hundreds of certificates would make a command that nobody reads


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
