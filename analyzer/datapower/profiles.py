"""Profiles and what hangs below them, read from the objects of one domain."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from analyzer.datapower.ciphers import (
    groups_of,
    signatures_of,
    suites_of,
    suites_of_string,
    versions_left,
    versions_of,
)
from analyzer.datapower.export.certificates import content_of
from analyzer.datapower.export.objects import ConfigObject, Domain, Export
from analyzer.datapower.export.schema import default_of
from analyzer.tcp.timeline import Side
from analyzer.tls.objects import CertificateObject, Credential, NameProfile, Profile, Validation
from analyzer.tls.x509.chain import CertificateFacts, read_certificate


@dataclass(slots=True)
class _Settings:
    """The properties of one object, with the defaults of its firmware for what is not stated."""

    thing: ConfigObject
    export: Export
    assumed: set[str] = field(default_factory=set)

    def texts(self, name: str) -> tuple[str, ...] | None:
        """The values of a property, or of its default; None where neither is known."""
        given = self.thing.texts(name)
        if given is not None:
            return given
        firmware = self.export.device.firmware
        default, certain = default_of(self.thing.kind, name, self.export.defaults, firmware)
        if not certain:
            self.assumed.add(name)
        return None if default is None else tuple(default.split("+"))

    def text(self, name: str) -> str | None:
        return next(iter(self.texts(name) or ()), None)

    def toggle(self, name: str) -> bool | None:
        text = self.text(name)
        return None if text is None else text in {"on", "yes"}

    def number(self, name: str) -> int | None:
        text = self.text(name)
        return int(text) if text is not None and text.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Shelf:
    """Makes the TLS objects of one domain; ``files`` are certificate files by name."""

    export: Export
    domain: Domain
    files: Mapping[str, tuple[bytes, ...]]

    def server(self, name: str | None) -> Profile | None:
        """An SSLServerProfile."""
        thing = self.domain.get("SSLServerProfile", name)
        if thing is None:
            return None
        at = _Settings(thing, self.export)
        return replace(
            self._common(at, Side.SERVER),
            request_client=at.toggle("RequestClientAuth"),
            require_client=at.toggle("RequireClientAuth"),
            send_authorities=at.toggle("SendClientAuthCAList"),
            validates=at.toggle("ValidateClientCert"),
            prefers_own_order=at.toggle("PreferServerCiphers"),
            renegotiations=at.number("NumberOfRenegotiationAllowed"),
            legacy_renegotiation=at.toggle("AllowLegacyRenegotiation"),
            assumed=frozenset(at.assumed),
        )

    def client(self, name: str | None) -> Profile | None:
        """An SSLClientProfile."""
        thing = self.domain.get("SSLClientProfile", name)
        if thing is None:
            return None
        at = _Settings(thing, self.export)
        features = at.texts("SSLClientFeatures")
        custom = at.text("CustomSNIHostname") if at.toggle("UseCustomSNIHostname") else None
        return replace(
            self._common(at, Side.CLIENT),
            validates=at.toggle("ValidateServerCert"),
            sends_name=None if features is None else "use-sni" in features,
            insecure_servers=None if features is None else "permit-insecure-servers" in features,
            custom_name=custom,
            validates_name=at.toggle("ValidateHostname"),
            name_is_fatal=at.toggle("HostnameValidationFailOnError"),
            assumed=frozenset(at.assumed),
        )

    def _common(self, at: _Settings, side: Side) -> Profile:
        """What server and client profiles share."""
        bits, ciphers = at.texts("Protocols"), at.texts("Ciphers")
        curves, schemes = at.texts("EllipticCurves"), at.texts("SigAlgs")
        return Profile(
            kind=at.thing.kind,
            name=at.thing.name,
            domain=self.domain.name,
            side=side,
            enabled=at.thing.enabled,
            versions=None if bits is None else versions_of(bits),
            suites=suites_of(ciphers) if ciphers else None,
            groups=groups_of(curves) if curves else None,
            signatures=signatures_of(schemes) if schemes else None,
            credential=self.credential(at.thing.text("Idcred")),
            validation=self.validation(at.thing.text("Valcred")),
        )

    def proxy(self, name: str | None, side: Side) -> Profile | None:
        """One direction of an SSLProxyProfile: reverse is the server, forward the client."""
        thing = self.domain.get("SSLProxyProfile", name)
        if thing is None:
            return None
        at = _Settings(thing, self.export)
        reverse = side is Side.SERVER
        found = at.text("ReverseCryptoProfile" if reverse else "ForwardCryptoProfile")
        if (crypto := self.domain.get("CryptoProfile", found)) is None:
            return None
        below = _Settings(crypto, self.export)
        validation = self.validation(crypto.text("ValCredential"))
        options = below.texts("SSLOptions") or ()
        string = below.text("Ciphers")
        asks = validation is not None or bool(at.toggle("ClientAuthAlwaysRequest"))
        optional = at.toggle("ClientAuthOptional")
        insecure = at.toggle("PermitInsecureServers")
        legacy = "Enable-Legacy-Renegotiation" in options
        return Profile(
            kind="CryptoProfile",
            name=crypto.name,
            domain=self.domain.name,
            side=side,
            via=thing.label,
            enabled=crypto.enabled and thing.enabled,
            versions=versions_left(options),
            suites=suites_of_string(string) if string else None,
            credential=self.credential(crypto.text("IdentCredential")),
            validation=validation,
            request_client=asks if reverse else None,
            require_client=asks and not optional if reverse else None,
            send_authorities=below.toggle("ClientCAList") if reverse else None,
            validates=validation is not None,
            legacy_renegotiation=legacy if reverse else None,
            insecure_servers=None if reverse else insecure,
            assumed=frozenset(at.assumed | below.assumed),
        )

    def names(self, name: str | None) -> NameProfile | None:
        """An SSLSNIServerProfile with its map."""
        thing = self.domain.get("SSLSNIServerProfile", name)
        if thing is None:
            return None
        at = _Settings(thing, self.export)
        bits = at.texts("Protocols")
        mapping = self.domain.get("SSLSNIMapping", thing.text("SNIServerMapping"))
        rows = mapping.rows("SNIMapping") if mapping is not None else ()
        return NameProfile(
            name=thing.name,
            domain=self.domain.name,
            mapping_name=thing.text("SNIServerMapping"),
            mapping=tuple(
                (row.get("HostNameWildmat", ""), self.server(row.get("SSLServer"))) for row in rows
            ),
            default=self.server(thing.text("SNIServerDefault")),
            versions=None if bits is None else versions_of(bits),
            enabled=thing.enabled,
            assumed=frozenset(at.assumed),
        )

    def credential(self, name: str | None) -> Credential | None:
        """A CryptoIdentCred; of one that the export names and lacks only the name is known."""
        thing = self.domain.get("CryptoIdentCred", name)
        if thing is None:
            return None if name is None else Credential(name)
        above = (self.certificate(ca) for ca in thing.texts("CA") or ())
        return Credential(
            name=thing.name,
            certificate=self.certificate(thing.text("Certificate")),
            intermediates=tuple(c for c in above if c is not None),
            key=thing.text("Key"),
            enabled=thing.enabled,
        )

    def validation(self, name: str | None) -> Validation | None:
        """A CryptoValCred; of one that the export names and lacks only the name is known."""
        thing = self.domain.get("CryptoValCred", name)
        if thing is None:
            return None if name is None else Validation(name)
        at = _Settings(thing, self.export)
        held = (self.certificate(name) for name in thing.texts("Certificate") or ())
        return Validation(
            name=thing.name,
            mode=at.text("CertValidationMode"),
            certificates=tuple(c for c in held if c is not None),
            enabled=thing.enabled,
            use_crl=at.toggle("UseCRL"),
            require_crl=at.toggle("RequireCRL"),
            crl_distribution_points=at.text("CRLDPHandling"),
            check_dates=at.toggle("CheckDates"),
        )

    def certificate(self, name: str | None) -> CertificateObject | None:
        """A CryptoCertificate; one that the export names and lacks has no file."""
        if name is None:
            return None
        thing = self.domain.get("CryptoCertificate", name)
        if thing is None:
            return CertificateObject(name)
        file = thing.text("Filename") or ""
        ders = content_of(self.files, file, self.domain.name)
        return CertificateObject(
            name=name,
            file=file,
            enabled=thing.enabled,
            ignore_expiration=bool(_Settings(thing, self.export).toggle("IgnoreExpiration")),
            content=tuple(_facts(der) for der in ders),
        )


@functools.lru_cache(maxsize=4096)
def _facts(der: bytes) -> CertificateFacts:
    """Certificates repeat: several objects name the same file."""
    return read_certificate(der)
