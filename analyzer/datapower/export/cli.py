"""The command form of an export: ``.cfg``.

::

    top; configure terminal;
    # configuration generated Wed Nov 4 11:05:46 2015; firmware version 268077
    crypto
      idcred "gateway" "gateway-key" "gateway" ca "intermediate"
    exit
    %if% available "ssl-server"
    crypto
      ssl-server "front"
        protocols TLSv1d1+TLSv1d2
        require-client-auth
        no compression
      exit
    exit
    %endif%

An object is a command with a name and a block of properties, or one line with all of them. A toggle
is ``word on`` or the bare word, off is ``word off`` or ``no word``. No mode but crypto has modes
inside, and properties are indented as it comes (a list of suites by 0, 1 and 2 columns): a block ends
at an ``exit`` that stands no deeper than its command. Modes that are not known are skipped to theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from analyzer.datapower.export.objects import ConfigObject, Device, Domain, Export, Value, one_form
from analyzer.datapower.export.schema import (
    CLASSES,
    COMMANDS,
    PROFILE_CLASSES,
    ClassSpec,
    PropertySpec,
)
from analyzer.datapower.export.secrets import without_secrets
from analyzer.errors import CaptureError
from analyzer.limits import DEFAULT, Limits

_WORD: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_ESCAPE: Final = re.compile(r"\\(.)")
_GENERATED: Final = re.compile(
    r"#\s*configuration (?:\S+ )?generated (.{1,40}?);\s*firmware version (\S+)"
)
_OPENING: Final = re.compile(r"^[ \t]*(?:top\b|configure terminal|# configuration )", re.MULTILINE)
_DOMAIN: Final = re.compile(r"([^/\\]+)\.cfg(?:\.gz)?$")
# What a terminal shows before the command that asked for the configuration.
_PROMPT: Final = re.compile(r"^\S+?\[([^\]\s]+)\](?:\([^)\s]*\))?# *sh", re.MULTILINE)
_NOTHING: Final = "%none%"
# Classes that are one line without a block of properties.
_ONE_LINE: Final = frozenset(
    {"CryptoCertificate", "CryptoKey", "CryptoIdentCred", "CryptoProfile", "SSLProxyProfile"}
)
# Commands that only create an object; its properties come with another command.
_BARE: Final = frozenset({"xmlmgr"})
# An interface has its own address with the length of the prefix, which nothing else has.
_INTERFACE: Final = re.compile(
    r"(?:ip[ -]address|(?:ip-)?secondary-address) ([0-9A-Fa-f.:]+)/\d+$|standby \d+ ip (\S+)$"
)
_ADDRESSES: Final = frozenset({"local-address", "local-port", "port"})
# By which keyword a class that is not known refers to a profile.
_KEYWORDS: Final[Mapping[str, str]] = {
    "ssl-server": "SSLServerProfile",
    "ssl-client": "SSLClientProfile",
    "ssl-sni-server": "SSLSNIServerProfile",
    "ssl": "SSLProxyProfile",
    "ssl-proxy": "SSLProxyProfile",
}


def looks_like_cli(data: bytes) -> bool:
    """Whether the text begins as configuration commands."""
    return bool(_OPENING.search(data[:4096].decode("utf-8", "replace")))


def read_cli(data: bytes, path: str, limits: Limits = DEFAULT) -> Export:
    """Read configuration objects; the domain's name is that of the prompt, or of the file."""
    text = data.decode("utf-8", "replace")
    reading = _Reading(path, limits)
    lines = [line for line in map(_line, text.splitlines()) if line is not None]
    for line, following in pairwise([*lines, _Line(0, [])]):
        reading.feed(line, opens=following.indent > line.indent)
    generated = _GENERATED.search(text)
    device = Device(exported=generated[1], build=generated[2]) if generated else Device()
    named = _PROMPT.search(text) or _DOMAIN.search(path)
    objects = {key: made.done() for key, made in reading.objects.items()}
    domains = (Domain(named[1] if named else "default", objects),) if objects else ()
    return Export(path, domains, device, frozenset(reading.addresses))


@dataclass(frozen=True, slots=True)
class _Line:
    indent: int
    words: list[str]


def _line(text: str) -> _Line | None:
    """A command with its indentation; None for comments, conditions and blank lines."""
    words = _words(text)
    if not words or words[0].startswith(("#", "%")):
        return None
    return _Line(len(text) - len(text.lstrip()), words)


@dataclass(slots=True)
class _Draft:
    """An object while its lines are read."""

    kind: str
    name: str
    spec: ClassSpec | None
    enabled: bool = True
    kept: dict[str, list[Value]] = field(default_factory=dict)

    def done(self) -> ConfigObject:
        properties = {name: tuple(values) for name, values in self.kept.items()}
        return ConfigObject(self.kind, self.name, self.enabled, properties)


@dataclass(slots=True)
class _Reading:
    """Where in the modes of the command line the reading stands."""

    path: str
    limits: Limits
    objects: dict[tuple[str, str], _Draft] = field(default_factory=dict)
    addresses: set[str] = field(default_factory=set)
    _block: _Draft | None = None  # whose properties come
    _indent: int = 0  # of the command that opened it

    def feed(self, line: _Line, *, opens: bool) -> None:
        """Read one command; ``opens`` says that the next is indented below it."""
        if line.words[0] == "exit":
            if line.indent <= self._indent:
                self._block = None
        elif self._block is not None:
            self._property(self._block, line.words)
        else:
            self._indent = line.indent
            self._command(line.words, opens=opens)

    def _command(self, words: list[str], *, opens: bool) -> None:
        command, name = words[0], words[1] if len(words) > 1 else ""
        spec = COMMANDS.get(command)
        if command == "crypto" and len(words) == 1:
            return  # what it holds are commands again
        if command == "crl" and name:
            self._revocation(name)
        elif spec is not None and (name or command == "cert-monitor"):
            if opens or command not in _BARE:
                self._open(spec, name, words)
        elif opens:
            self._block = _Draft(command, name, None)

    def _open(self, spec: ClassSpec, name: str, words: list[str]) -> None:
        draft = self._new(spec.name, name, spec)
        if spec.name in _ONE_LINE:
            _ONE_LINERS[spec.name](draft, words[2:])
        else:
            self._block = draft

    def _new(self, kind: str, name: str, spec: ClassSpec | None) -> _Draft:
        if len(self.objects) >= self.limits.export_objects:
            problem = f"more than {self.limits.export_objects} objects"
            raise CaptureError(problem, path=self.path, hint="export one domain at a time")
        draft = _Draft(kind, name, spec)
        self.objects[kind, name] = draft
        return draft

    def _revocation(self, name: str) -> None:
        """A fetch policy of the one object that has no name of its own."""
        held = self.objects.get(("CRLFetch", ""))
        held = held or self._new("CRLFetch", "", CLASSES["CRLFetch"])
        rows = held.kept.setdefault("CRLFetchConfig", [])
        row: dict[str, str] = {"Name": name}
        rows.append(row)
        self._block = _Policy("CRLFetch", "", None, row=row)

    def _address(self, words: list[str]) -> None:
        """``ip address 192.0.2.1/24`` or ``ip-address …`` of an interface; ``standby 1 ip …``."""
        found = _INTERFACE.match(" ".join(words))
        if found:
            self.addresses.add(one_form(found[1] or found[2]))

    def _property(self, draft: _Draft, words: list[str]) -> None:
        off = words[0] == "no"
        keyword, values = (words[1:2] or [""])[0] if off else words[0], words[2 if off else 1 :]
        if keyword == "admin-state":
            draft.enabled = values != ["disabled"]
        elif isinstance(draft, _Policy):
            if keyword == "issuer" and values:
                draft.row["IssuerValcred"] = values[0]
        elif draft.spec is None:
            self._address(words)
            self._reference(draft, keyword, values)
        elif keyword == "reset":
            draft.kept.clear()
        else:
            _set(draft, draft.spec, keyword, values, off=off)

    def _reference(self, draft: _Draft, keyword: str, values: list[str]) -> None:
        """Of a class that is not known, keep what leads to a TLS profile, and where it listens."""
        if not values:
            return
        if keyword in _ADDRESSES:
            _place(draft, keyword, values)
        if keyword in _KEYWORDS and _KEYWORDS[keyword] in PROFILE_CLASSES:
            draft.kept[_KEYWORDS[keyword]] = [values[0]]
            self.objects[draft.kind, draft.name] = draft


def _place(draft: _Draft, keyword: str, values: list[str]) -> None:
    """Where an object of a class that is not known listens: address and port, in one line or two."""
    if keyword == "local-address":
        draft.kept["LocalAddress"] = [values[0]]
        values = values[1:]
    if values:
        draft.kept["LocalPort"] = [values[0]]


@dataclass(slots=True)
class _Policy(_Draft):
    """A row of CRLFetch while its lines are read."""

    row: dict[str, str] = field(default_factory=dict)


def _set(draft: _Draft, spec: ClassSpec, keyword: str, values: list[str], *, off: bool) -> None:
    """Set the property of a keyword; two of them where address and port stand in one line."""
    known = spec.by_keyword(keyword)
    if known is None:
        return
    if off and known.shape != "toggle":
        draft.kept.pop(known.name, None)
        return
    port = _PORT_OF.get(known.name)
    if port and len(values) > 1 and port in spec.properties:
        draft.kept[port] = [values.pop(1)]
    made = list(_values(known, values, off=off))
    if known.shape in {"vector", "rows"}:
        draft.kept.setdefault(known.name, []).extend(made)
    else:
        draft.kept[known.name] = made


_PORT_OF: Final[Mapping[str, str]] = {"LocalAddress": "LocalPort", "RemoteAddress": "RemotePort"}


def _values(spec: PropertySpec, values: list[str], *, off: bool) -> Iterator[Value]:
    given = [without_secrets(value) for value in values if value != _NOTHING]
    if spec.shape == "toggle":
        yield "off" if off or given[:1] == ["off"] else "on"
    elif spec.shape == "bits":
        yield from sorted(filter(None, "+".join(given).split("+")))
    elif spec.shape == "rows":
        yield {name: v for name, v in zip(spec.fields, given, strict=False) if v}
    else:
        yield from given[:1]


def _words(line: str) -> list[str]:
    """Split a line into words; quotes and backslashes as the product writes them."""
    return [
        _ESCAPE.sub(r"\1", match[1]) if match[1] is not None else match[2]
        for match in _WORD.finditer(line)
    ]


def _certificate(draft: _Draft, words: list[str]) -> None:
    """``certificate NAME FILE [password X] [ignore-expiration]``: a password is not looked at."""
    draft.kept["Filename"] = [without_secrets(word) for word in words[:1]]
    options = _options(words[1:], {"password", "password-alias", "admin-state"})
    draft.enabled = options.get("admin-state") != ["disabled"]
    if draft.kind == "CryptoCertificate":
        draft.kept["IgnoreExpiration"] = ["on" if "ignore-expiration" in options else "off"]


def _identity(draft: _Draft, words: list[str]) -> None:
    """``idcred NAME KEY CERTIFICATE [ca CERTIFICATE]…``."""
    for name, word in zip(("Key", "Certificate"), words, strict=False):
        draft.kept[name] = [word]
    options = _options(words[2:], {"ca", "admin-state"})
    draft.enabled = options.get("admin-state") != ["disabled"]
    if "ca" in options:
        draft.kept["CA"] = list(options["ca"])


def _crypto_profile(draft: _Draft, words: list[str]) -> None:
    """``profile NAME IDCRED [ssl VALCRED] [ciphers STRING] [option-string A+B] [clientcalist on]``."""
    if words and words[0] != _NOTHING:
        draft.kept["IdentCredential"] = [words[0]]
    names = {"ssl", "ciphers", "option-string", "clientcalist", "admin-state"}
    _take(draft, _options(words[1:], names), CLASSES["CryptoProfile"])


def _proxy_profile(draft: _Draft, words: list[str]) -> None:
    """``sslproxy NAME reverse PROFILE``, ``forward PROFILE`` or ``two-way REVERSE FORWARD``."""
    direction = words[0] if words else ""
    draft.kept["Direction"] = [direction]
    sides = {
        "reverse": ("ReverseCryptoProfile",),
        "forward": ("ForwardCryptoProfile",),
        "two-way": ("ReverseCryptoProfile", "ForwardCryptoProfile"),
    }.get(direction, ())
    for name, word in zip(sides, words[1:], strict=False):
        draft.kept[name] = [word]
    names = {
        *("client-auth-optional", "client-auth-always-request", "permit-insecure-servers"),
        *("sess-timeout", "cache-size", "client-cache", "client-sess-timeout"),
        *("client-cache-size", "admin-state"),
    }
    _take(draft, _options(words[1 + len(sides) :], names), CLASSES["SSLProxyProfile"])


def _take(draft: _Draft, options: Mapping[str, list[str]], spec: ClassSpec) -> None:
    draft.enabled = options.get("admin-state") != ["disabled"]
    for keyword, values in options.items():
        _set(draft, spec, keyword, list(values), off=False)


def _options(words: list[str], with_value: set[str]) -> dict[str, list[str]]:
    """The options of a one-line command; those that take a value may repeat."""
    found: dict[str, list[str]] = {}
    rest = iter(words)
    for word in rest:
        held = found.setdefault(word, [])
        if word in with_value and (value := next(rest, None)) is not None:
            held.append(value)
    return found


_ONE_LINERS: Final[Mapping[str, Callable[[_Draft, list[str]], None]]] = {
    "CryptoCertificate": _certificate,
    "CryptoKey": _certificate,
    "CryptoIdentCred": _identity,
    "CryptoProfile": _crypto_profile,
    "SSLProxyProfile": _proxy_profile,
}
