"""The certificates of a case: as text and in PEM, with who uses each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from analyzer.datapower.export.objects import ConfigObject, Domain
from analyzer.datapower.graph import Graph
from analyzer.mustgather.material import Material
from analyzer.pki.names import file_name, pem
from analyzer.report.escape import printable
from analyzer.tls.story import Story
from analyzer.tls.x509.chain import CertificateFacts, read_certificate
from analyzer.tls.x509.facts import time_text


@dataclass(slots=True)
class Used:
    """A certificate, and where it was met: files, connections, objects."""

    facts: CertificateFacts
    files: list[str] = field(default_factory=list)
    users: list[str] = field(default_factory=list)


def certificates(material: Material) -> list[Used]:
    """All certificates at hand, those of the wire first, each once."""
    found: dict[bytes, Used] = {}
    for der, sentence in _sent(material):
        used = found.setdefault(der, Used(read_certificate(der)))
        if sentence not in used.users:
            used.users.append(sentence)
    graph = material.graph
    for name, ders in sorted(graph.files.items()) if graph is not None else ():
        for der in ders:
            used = found.setdefault(der, Used(read_certificate(der)))
            used.files.append(name)
            used.users += users_of(graph, name) if graph is not None else ()
    return list(found.values())


def absent(graph: Graph | None) -> list[tuple[str, list[str]]]:
    """Files that the configuration names and nobody has given, with who uses each."""
    if graph is None:
        return []
    held = {PurePosixPath(name).name for name in graph.files}
    named = {
        _file(thing): None
        for export in graph.exports
        for domain in export.domains
        for thing in domain.of("CryptoCertificate")
        if thing.text("Filename")
    }
    return [(name, users_of(graph, name)) for name in sorted(named) if name not in held]


def members(used: list[Used]) -> Iterator[tuple[str, str]]:
    """One file for each certificate, and a list of them."""
    if not used:
        return
    rows = ["# Certificates", "", "| serial number | common name | valid until | file |"]
    rows.append("|---|---|---|---|")
    for one in used:
        facts, name = one.facts, file_name(one.facts)
        cells = (facts.serial, facts.subject_cn or facts.subject, time_text(facts.not_after), name)
        rows.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
        yield f"certificates/{name}", _text(one) + "\n" + pem(facts.der)
    yield "certificates/index.md", "\n".join(rows) + "\n"


def users_of(graph: Graph, name: str) -> list[str]:
    """The objects that lead to a certificate file, from the object of the file upwards."""
    return [
        f"domain {domain.name}: {' < '.join(chain)}"
        for export in graph.exports
        for domain in export.domains
        for thing in domain.of("CryptoCertificate")
        if _file(thing) == PurePosixPath(name).name
        for chain in _chains(domain, thing)
    ]


def _file(thing: ConfigObject) -> str:
    return PurePosixPath(thing.text("Filename") or "").name


def _chains(domain: Domain, certificate: ConfigObject) -> Iterator[list[str]]:
    """``CryptoCertificate a < CryptoIdentCred b < SSLServerProfile c``, once for each way up."""
    found = False
    for kind, properties, reference in _HOLDERS:
        for holder in domain.of(kind):
            held = {v for name in properties for v in holder.texts(name) or ()}
            if certificate.name not in held:
                continue
            found = True
            profiles = [p.label for p in _profiles(domain, holder, reference)]
            for profile in profiles or ["no profile"]:
                yield [certificate.label, holder.label, profile]
    if not found:
        yield [certificate.label, "no credential"]


_HOLDERS = (
    ("CryptoIdentCred", ("Certificate", "CA"), {"Idcred", "IdentCredential"}),
    ("CryptoValCred", ("Certificate",), {"Valcred", "ValCredential"}),
)


def _profiles(domain: Domain, holder: ConfigObject, references: set[str]) -> Iterator[ConfigObject]:
    for profile in domain.of("SSLServerProfile", "SSLClientProfile", "CryptoProfile"):
        if any(holder.name in (profile.texts(name) or ()) for name in references):
            yield profile


def _sent(material: Material) -> Iterator[tuple[bytes, str]]:
    for judged in material.trace.judged if material.trace is not None else ():
        story: Story = judged.story
        for chain, side, address in (
            (story.server_chain, "server", story.server),
            (story.client_chain, "client", story.client),
        ):
            for entry in chain.message.entries if chain is not None else ():
                yield entry.der, f"sent by {side} {address}, tcp.stream {story.stream}"


_USERS_MOST = 50


def _text(one: Used) -> str:
    """What a certificate says, a line for each field."""
    facts = one.facts
    fields: Mapping[str, str | None] = {
        "Subject": facts.subject,
        "Issuer": facts.issuer,
        "Serial number": facts.serial,
        "Valid from": time_text(facts.not_before),
        "Valid until": time_text(facts.not_after),
        "Names": ", ".join(facts.sans) or None,
        "Public key": facts.key_text,
        "Signature": facts.signature_algorithm,
        "CA": {True: "yes", False: "no", None: None}[facts.ca],
        "Key usage": ", ".join(sorted(facts.key_usage or ())) or None,
        "Extended key usage": ", ".join(facts.extended_key_usage or ()) or None,
        "SHA-256": facts.sha256,
        "SHA-1": facts.sha1,
        "Files": ", ".join(dict.fromkeys(one.files)) or None,
    }
    lines = [f"{name}: {printable(value)}" for name, value in fields.items() if value]
    lines += [f"Used: {printable(user)}" for user in one.users[:_USERS_MOST]]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return printable(text).replace("|", "\\|")
