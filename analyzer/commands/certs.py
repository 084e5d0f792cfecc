"""``certs``: every certificate in captures and files, found, exported, verified."""

from __future__ import annotations

import contextlib
import enum
import os
import sys
import time as clock
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from analyzer.commands import refuse_to_overwrite, standard_output
from analyzer.errors import CaptureError, UsageError

if TYPE_CHECKING:
    from analyzer.pki.inventory import Inventory, Wanted
    from analyzer.pki.stores import Passwords
    from analyzer.pki.verify import Settings
    from analyzer.report.holdings.assemble import Findings
    from analyzer.report.holdings.schema import CertificateReport
    from analyzer.tls.story import Story

_LEVELS: Final = 5


class Format(enum.StrEnum):
    """How ``certs`` prints."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    PEM = "pem"


class PurposeName(enum.StrEnum):
    """What the leaf is used for, by OpenSSL's names."""

    SERVER = "sslserver"
    CLIENT = "sslclient"


class CrlChecks(enum.StrEnum):
    """Which certificates need a revocation list."""

    AT_HAND = "at-hand"
    LEAF = "leaf"
    ALL = "all"


def certs(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="Captures, certificates (PEM, DER), stores (PKCS#7, PKCS#12, JKS), folders of them; "
            "'-' is standard input.",
        ),
    ],
    form: Annotated[Format, typer.Option("--format", "-f", help="How to print.")] = Format.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead.")
    ] = None,
    serial: Annotated[
        list[str] | None,
        typer.Option("--serial", help="Only this serial number, hexadecimal or decimal."),
    ] = None,
    common_name: Annotated[
        str | None, typer.Option("--cn", help="Only with this text in a name of the certificate.")
    ] = None,
    expires_within: Annotated[
        str | None, typer.Option("--expires-within", help="Only what ends within 30d, 12h, 2w.")
    ] = None,
    exit_code: Annotated[
        bool,
        typer.Option(
            "--exit-code",
            help="Exit with status 1 if a certificate expires within the time given, a chain does "
            "not verify, or a key fits no certificate.",
        ),
    ] = False,
    export: Annotated[
        Path | None, typer.Option("--export", help="Write each certificate to this folder, in PEM.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Verify the chains as the receiving side would.")
    ] = False,
    ca: Annotated[
        list[str] | None, typer.Option("--ca", help="Trusted roots: a file or folder; repeatable.")
    ] = None,
    system_roots: Annotated[
        bool, typer.Option("--system-roots", help="Trust the roots of this system, or certifi's.")
    ] = False,
    purpose: Annotated[
        PurposeName | None, typer.Option("--purpose", help="What the leaf must be good for.")
    ] = None,
    hostname: Annotated[
        str | None, typer.Option("--hostname", help="The name or address that it must be for.")
    ] = None,
    attime: Annotated[
        str | None,
        typer.Option("--attime", help="Verify as of then: 2026-11-23, RFC 3339, or seconds."),
    ] = None,
    crl: Annotated[
        list[str] | None, typer.Option("--crl", help="A revocation list; repeatable.")
    ] = None,
    crl_check: Annotated[
        CrlChecks, typer.Option("--crl-check", help="Which certificates need a revocation list.")
    ] = CrlChecks.AT_HAND,
    security_level: Annotated[
        int,
        typer.Option(
            "--security-level", min=0, max=_LEVELS, help="OpenSSL's: how weak keys may be."
        ),
    ] = 2,
    partial_chain: Annotated[
        bool, typer.Option("--partial-chain", help="A trusted intermediate ends a chain.")
    ] = False,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", help="Say whose this private key is; repeatable."),
    ] = None,
    password_file: Annotated[
        list[Path] | None,
        typer.Option("--password-file", help="Its first line opens stores; repeatable."),
    ] = None,
    password_env: Annotated[
        list[str] | None,
        typer.Option("--password-env", help="The environment variable that holds a password."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell every certificate in full.")
    ] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Print without colour.")] = False,
) -> None:
    """List, find, export and verify the certificates in captures, files and folders."""
    if verify and not (ca or system_roots):
        raise UsageError("--verify: no roots to trust; give them with --ca FILE, or --system-roots")
    if exit_code and not (verify or expires_within or key):
        raise UsageError("--exit-code: say what to check, with --expires-within, --verify or --key")
    refuse_to_overwrite(output, (*files, *(ca or ()), *(crl or ()), *(key or ())))
    passwords = _passwords(password_file or (), password_env or ())
    asked = _Asked(
        now=clock.time_ns(),
        at=_moment(attime) if attime else None,
        wanted=(tuple(serial or ()), common_name, expires_within),
        verify=verify,
        roots=tuple(ca or ()),
        system=system_roots,
        crls=tuple(crl or ()),
        keys=tuple(key or ()),
    )
    settings = _settings(purpose, hostname, security_level, partial_chain, crl_check)
    found = _find(files, passwords, asked, settings)
    if export is not None:
        _export(found, export)
    report = _print(found, form, output, verbose=verbose, colour=False if no_color else None)
    if exit_code and _fails(report, expiring=expires_within is not None):
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The options that say what to look for; paths are still paths."""

    now: int
    at: int | None
    wanted: tuple[tuple[str, ...], str | None, str | None]  # serials, name, span
    verify: bool
    roots: tuple[str, ...]
    system: bool
    crls: tuple[str, ...]
    keys: tuple[str, ...]


def _settings(
    purpose: PurposeName | None,
    hostname: str | None,
    level: int,
    partial_chain: bool,
    crl_check: CrlChecks,
) -> Settings:
    from analyzer.pki.revocation import CrlCheck  # noqa: PLC0415 - not for --help
    from analyzer.pki.verify import Purpose, Settings  # noqa: PLC0415 - as above

    return Settings(
        purpose=Purpose(purpose.value) if purpose else None,
        hostname=hostname,
        level=level,
        partial_chain=partial_chain,
        crl_check=CrlCheck(crl_check.value),
    )


def _find(
    files: Sequence[str], passwords: Passwords, asked: _Asked, settings: Settings
) -> Findings:
    """Read everything, choose what was asked for, verify it."""
    from analyzer.pki.gather import gather  # noqa: PLC0415 - not for --help
    from analyzer.pki.roots import trust_of  # noqa: PLC0415 - as above
    from analyzer.pki.targets import judge  # noqa: PLC0415 - as above
    from analyzer.report.holdings.assemble import Findings  # noqa: PLC0415 - as above

    wanted = _wanted(asked)
    trust = None
    if asked.verify:
        trust = trust_of(asked.roots, passwords, system=asked.system)
        settings = replace(settings, crls=tuple(d for path in asked.crls for d in _crls(path)))
    gathered = gather(files, passwords, _stories)
    chosen = [holding for holding in gathered.stock.holdings() if wanted.takes(holding.facts)]
    judged = []
    if trust is not None:
        settings = replace(settings, crls=(*settings.crls, *gathered.crls()))
        ders = {holding.facts.der for holding in chosen}
        targets = [(each, n) for each, n in gathered.targets() if each.sent[0] in ders]
        judged = list(judge(targets, trust, settings, now=asked.now, at=asked.at))
    return Findings(
        now=asked.now,
        sources=gathered.sources,
        stock=gathered.stock,
        private=gathered.keys(),
        chosen=chosen,
        keys=_owners(asked.keys, passwords, gathered.stock),
        judged=judged,
        trust=trust,
        settings=settings,
        at=asked.at,
        roots=_root_options(asked.roots),
        crls=asked.crls,
        notes=gathered.notes,
    )


def _wanted(asked: _Asked) -> Wanted:
    from analyzer.pki.inventory import Wanted, serials_of, span_of  # noqa: PLC0415 - as above

    serials, name, span = asked.wanted
    return Wanted(
        serials=frozenset(number for text in serials for number in serials_of(text)),
        name=name,
        ends_before=asked.now + span_of(span) if span else None,
    )


def _stories(path: str) -> Iterator[Story]:
    """The connections of a capture."""
    from analyzer.pipeline import Analysis  # noqa: PLC0415 - loads numpy and more
    from analyzer.report.progress import ProgressBar  # noqa: PLC0415 - not for --help

    bar = ProgressBar(sys.stderr) if sys.stderr.isatty() else None
    with bar or contextlib.nullcontext():
        # Standard input may have been looked at: its buffer holds what was taken from below it.
        analysis = Analysis([sys.stdin.buffer if path == "-" else path], progress=bar)
        yield from (judged.story for judged in analysis.judged())


def _owners(
    keys: Sequence[str], passwords: Passwords, stock: Inventory
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The certificates that each key belongs to, by fingerprint."""
    from analyzer.pki.keys import key_file, public_key  # noqa: PLC0415 - only where it is asked for

    found = []
    for path in keys:
        halves = key_file(path, passwords)
        owned = (h.facts for h in stock.holdings() if public_key(h.facts.der) in halves)
        found.append((path, tuple(facts.sha256 for facts in owned)))
    return tuple(found)


def _crls(path: str) -> tuple[bytes, ...]:
    from analyzer.pki.stores import read_store  # noqa: PLC0415 - only where it is asked for

    store = read_store(path)
    if store is None or not store.crls:
        hint = "give one in PEM or DER"
        raise CaptureError("holds no certificate revocation list", path=path, hint=hint)
    return store.crls


def _root_options(roots: Sequence[str]) -> tuple[str, ...]:
    """The roots as options of ``openssl verify``, which takes one file of roots or several."""
    several = len(roots) > 1
    options = (
        ("-CApath" if Path(root).is_dir() else "-trusted" if several else "-CAfile", root)
        for root in roots
    )
    return tuple(word for option in options for word in option)


def _passwords(files: Sequence[Path], variables: Sequence[str]) -> Passwords:
    """The passwords of files and environment variables; they are never shown."""
    from analyzer.pki.stores import Passwords  # noqa: PLC0415 - not for --help

    given = []
    for file in files:
        lines = file.read_bytes().splitlines()
        given.append(lines[0] if lines else b"")
    for variable in variables:
        if variable not in os.environ:
            raise UsageError(f"--password-env {variable}: there is no such environment variable")
        given.append(os.environ[variable].encode("utf-8", "surrogateescape"))
    return Passwords(tuple(given))


def _moment(text: str) -> int:
    """A point in time in ns: seconds since the epoch, a date, or RFC 3339; UTC where none is said."""
    if text.isdecimal() and len(text) < _SECONDS_MOST:
        return int(text) * 1_000_000_000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        form = "write it as 2026-11-23, as 2026-11-23T12:00:00Z, or in seconds since 1970"
        raise UsageError(f"--attime {text}: no point in time; {form}") from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp()) * 1_000_000_000


_SECONDS_MOST: Final = 12  # digits


def _export(found: Findings, folder: Path) -> None:
    """Write the certificates, and those beside them in chains, each to a file of its own."""
    from analyzer.pki.names import file_name, pem  # noqa: PLC0415 - only where it is asked for
    from analyzer.report.sink import written_beside  # noqa: PLC0415 - as above
    from analyzer.tls.x509.chain import read_certificate  # noqa: PLC0415 - as above

    folder.mkdir(parents=True, exist_ok=True)
    ders = [holding.facts.der for holding in found.chosen]
    ders += [der for judged in found.judged for der in judged.target.sent]
    for der in dict.fromkeys(ders):
        with written_beside(folder / file_name(read_certificate(der))) as sink:
            sink.write(pem(der))


def _print(
    found: Findings, form: Format, output: Path | None, *, verbose: bool, colour: bool | None
) -> CertificateReport:
    from analyzer.report.holdings.assemble import certificate_report  # noqa: PLC0415 - loads msgspec
    from analyzer.report.sink import written_beside  # noqa: PLC0415 - as above

    report = certificate_report(found)
    with written_beside(output) if output else contextlib.nullcontext(standard_output()) as sink:
        if form is Format.TEXT:
            from analyzer.report.holdings.text import render_holdings  # noqa: PLC0415 - loads rich

            plain = False if output else colour
            render_holdings(report, sink, verbose=verbose, colour=plain)
        else:
            _print_data(report, found, form, sink)
    return report


def _print_data(
    report: CertificateReport, found: Findings, form: Format, sink: TextIOWrapper
) -> None:
    from analyzer.pki.names import pem  # noqa: PLC0415 - only where it is asked for
    from analyzer.report.holdings.export import render_csv, render_pem  # noqa: PLC0415 - as above
    from analyzer.report.machine import render_json  # noqa: PLC0415 - as above
    from analyzer.report.sink import write_all  # noqa: PLC0415 - as above

    if form is Format.JSON:
        write_all(sink, render_json(report))
    elif form is Format.CSV:
        write_all(sink, render_csv(report).encode("utf-8", "backslashreplace"))
    else:
        pems = {holding.facts.sha256: pem(holding.facts.der) for holding in found.chosen}
        write_all(sink, render_pem(report, pems).encode("utf-8", "backslashreplace"))


def _fails(report: CertificateReport, *, expiring: bool) -> bool:
    """Whether something that was asked about is not in order."""
    return (
        (expiring and bool(report.certificates))
        or any(not (each.then or each.now).ok for each in report.verifications)
        or any(not key.belongs_to for key in report.keys)
    )
