"""DataPower exports written from declared objects, in both forms of the product.

The same objects give ``export.xml`` and ``.cfg``; what a reader makes of both must be equal. The
forms follow the product's documented grammar, and share no table with the readers.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from xml.sax.saxutils import escape, quoteattr

Property: TypeAlias = str | list[str] | set[str] | list[dict[str, str]]

COMMANDS = {
    "SSLServerProfile": "ssl-server",
    "SSLClientProfile": "ssl-client",
    "SSLSNIServerProfile": "ssl-sni-server",
    "SSLSNIMapping": "ssl-sni-mapping",
    "CryptoValCred": "valcred",
    "HTTPSSourceProtocolHandler": "source-https",
    "HTTPSourceProtocolHandler": "source-http",
    "XMLFirewallService": "xmlfirewall",
    "SSLProxyService": "sslforwarder",
    "MultiProtocolGateway": "mpgw",
    "XMLManager": "xmlmgr",
    "HTTPUserAgent": "user-agent",
    "LoadBalancerGroup": "loadbalancer-group",
    "CertMonitor": "cert-monitor",
    "HostAlias": "host-alias",
    "WebGUI": "web-mgmt",
}
KEYWORDS = {
    "Protocols": "protocols",
    "Ciphers": "ciphers",
    "Idcred": "idcred",
    "Valcred": "valcred",
    "RequestClientAuth": "request-client-auth",
    "RequireClientAuth": "require-client-auth",
    "ValidateClientCert": "validate-client-cert",
    "SendClientAuthCAList": "send-client-auth-ca-list",
    "NumberOfRenegotiationAllowed": "max-renegotiation-allowed",
    "AllowLegacyRenegotiation": "allow-legacy-renegotiation",
    "PreferServerCiphers": "prefer-server-ciphers",
    "EllipticCurves": "curves",
    "SSLClientFeatures": "ssl-client-features",
    "UseCustomSNIHostname": "use-custom-sni-hostname",
    "CustomSNIHostname": "custom-sni-hostname",
    "ValidateServerCert": "validate-server-cert",
    "ValidateHostname": "validate-hostname",
    "HostnameValidationFailOnError": "hostname-validation-fail",
    "SNIServerMapping": "sni-server-mapping",
    "SNIServerDefault": "sni-server-default",
    "SNIMapping": "sni-mapping",
    "Certificate": "certificate",
    "CertValidationMode": "cert-validation-mode",
    "UseCRL": "use-crl",
    "RequireCRL": "require-crl",
    "CRLDPHandling": "crldp",
    "CheckDates": "check-dates",
    "LocalAddress": "local-address",
    "LocalPort": "port",
    "SSLServerConfigType": "ssl-config-type",
    "SSLConfigType": "ssl-config-type",
    "SSLClientConfigType": "ssl-client-type",
    "SSLProxy": "ssl",
    "SSLServer": "ssl-server",
    "SSLSNIServer": "ssl-sni-server",
    "SSLClient": "ssl-client",
    "SSLServerProfile": "ssl-server",
    "FrontProtocol": "front-protocol",
    "BackendUrl": "backend-url",
    "XMLManager": "xml-manager",
    "Type": "type",
    "UserAgent": "user-agent",
    "SSLPolicies": "ssl",
    "LBGroupMembers": "server",
    "RemoteAddress": "remote-address",
    "RemotePort": "remote-port",
    "IPAddress": "ip-address",
    "PollingInterval": "poll",
    "DisableExpiredCerts": "disable-expired-certs",
    "ReminderTime": "reminder",
}
REFERENCES = {
    "Idcred": "CryptoIdentCred",
    "Valcred": "CryptoValCred",
    "Certificate": "CryptoCertificate",
    "CA": "CryptoCertificate",
    "Key": "CryptoKey",
    "SSLServer": "SSLServerProfile",
    "SSLSNIServer": "SSLSNIServerProfile",
    "SSLClient": "SSLClientProfile",
    "SSLProxy": "SSLProxyProfile",
    "SSLServerProfile": "SSLServerProfile",
    "SNIServerMapping": "SSLSNIMapping",
    "SNIServerDefault": "SSLServerProfile",
    "IdentCredential": "CryptoIdentCred",
    "ValCredential": "CryptoValCred",
    "FrontProtocol": "HTTPSSourceProtocolHandler",
}
CRYPTO = {
    *("SSLServerProfile", "SSLClientProfile", "SSLSNIServerProfile", "SSLSNIMapping"),
    *("CryptoValCred", "CertMonitor"),
}


@dataclass(frozen=True)
class Thing:
    """One configuration object. A list keeps its order, a set is a bit map, dicts are nested."""

    kind: str
    name: str
    properties: Mapping[str, Property] = field(default_factory=dict)
    enabled: bool = True


def thing(kind: str, name: str, *, enabled: bool = True, **properties: Property) -> Thing:
    """Declare an object."""
    return Thing(kind, name, properties, enabled)


# --- XML ------------------------------------------------------------------------------------------

DETAILS = (
    "<export-details><description>Exported Configuration</description><user>admin</user>"
    "<product>IDG</product><model>8441</model><device-name>edge</device-name>"
    "<serial-number>0000000</serial-number>"
    "<firmware-version>{firmware}</firmware-version><firmware-build>375839</firmware-build>"
    "<current-date>2026-11-02</current-date></export-details>"
)


def as_xml(
    things: Iterable[Thing],
    domain: str = "payments",
    addresses: Iterable[str] = (),
    firmware: str = "IDG.10.6.0.1",
) -> bytes:
    """Write ``export.xml``."""
    interfaces = "".join(
        f'<interface name="eth{i}" type="Ethernet" vers="ipv4" ip-addr={quoteattr(address)}/>'
        for i, address in enumerate(addresses)
    )
    objects = "".join(_element(one) for one in things)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<datapower-configuration version="3">'
        + DETAILS.format(firmware=firmware)
        + f"<interface-data>{interfaces}</interface-data>"
        + f"<configuration domain={quoteattr(domain)}>{objects}</configuration>"
        + "<files/></datapower-configuration>"
    ).encode()


def _element(one: Thing) -> str:
    state = "enabled" if one.enabled else "disabled"
    inner = "".join(_property(name, value) for name, value in one.properties.items())
    space = 'xmlns:dp="http://www.datapower.com/schemas/management"'
    return (
        f"<{one.kind} name={quoteattr(one.name)} {space}>"
        f"<mAdminState>{state}</mAdminState>{inner}</{one.kind}>"
    )


def _property(name: str, value: Property) -> str:
    if isinstance(value, set):
        bits = "".join(f"<{bit}>on</{bit}>" for bit in sorted(value))
        return f"<{name}><SSLv2>off</SSLv2>{bits}</{name}>"
    rows = value if isinstance(value, list) else [value]
    return "".join(_value(name, row) for row in rows)


def _value(name: str, value: str | dict[str, str]) -> str:
    if isinstance(value, dict):
        inner = "".join(f"<{key}>{escape(text)}</{key}>" for key, text in value.items())
        return f"<{name}>{inner}</{name}>"
    kind = f' class="{REFERENCES[name]}"' if name in REFERENCES else ""
    return f"<{name}{kind}>{escape(value)}</{name}>"


# --- .cfg -----------------------------------------------------------------------------------------


def as_cfg(things: Iterable[Thing], addresses: Iterable[str] = ()) -> bytes:
    """Write the commands that make the same objects."""
    lines = [
        "top; configure terminal;",
        "",
        "# configuration generated Mon Nov 2 09:15:00 2026; firmware version 375839",
        "",
    ]
    for i, address in enumerate(addresses):
        lines += [f'interface "eth{i}"', f"  ip address {address}/24", "  mtu 1500", "exit", ""]
    lines += ['logging target "night"', '  event "ssl" "debug"', "exit", ""]
    for one in things:
        lines += [*_commands(one), ""]
    return "\n".join(lines).encode()


def _commands(one: Thing) -> list[str]:
    if one.kind in ONE_LINE:
        return ["crypto", f"  {ONE_LINE[one.kind](one)}{_state(one)}", "exit"]
    if one.kind == "SSLProxyProfile":
        return [_sslproxy(one) + _state(one)]
    name = "" if one.kind == "CertMonitor" else f" {quoted(one.name)}"
    block = [f"{COMMANDS[one.kind]}{name}", "  reset"]
    block += [] if one.enabled else ["  admin-state disabled"]
    for key, value in one.properties.items():
        block += [f"  {line}" for line in _lines(one.kind, key, value)]
    block.append("exit")
    if one.kind not in CRYPTO:
        return block
    command = COMMANDS[one.kind]
    inner = [f"  {line}" for line in block]
    return [f'%if% available "{command}"', "crypto", *inner, "exit", "%endif%"]


def _lines(kind: str, key: str, value: Property) -> list[str]:
    word = "local-port" if (kind, key) == ("SSLProxyService", "LocalPort") else KEYWORDS[key]
    if isinstance(value, set):
        return [f"{word} {'+'.join(sorted(value))}"]
    if value in ("on", "off"):
        # The product writes both forms; which one depends on the property.
        return [f"{word} {value}" if len(key) % 2 else (word if value == "on" else f"no {word}")]
    rows = value if isinstance(value, list) else [value]
    return [f"{word} {_arguments(row)}" for row in rows]


def _arguments(value: str | dict[str, str]) -> str:
    texts = value.values() if isinstance(value, dict) else [value]
    return " ".join(quoted(text) for text in texts)


def quoted(text: str) -> str:
    """A word of the command line."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _state(one: Thing) -> str:
    return "" if one.enabled else " admin-state disabled"


def _text(one: Thing, key: str, otherwise: str = "") -> str:
    value = one.properties.get(key, otherwise)
    assert isinstance(value, str)
    return value


def _file(command: str, one: Thing) -> str:
    line = f"{command} {quoted(one.name)} {quoted(_text(one, 'Filename'))}"
    if "Password" in one.properties:
        line += f" password {quoted(_text(one, 'Password'))}"
    return line + (" ignore-expiration" if _text(one, "IgnoreExpiration") == "on" else "")


def _idcred(one: Thing) -> str:
    line = f"idcred {quoted(one.name)} {quoted(_text(one, 'Key'))} "
    line += quoted(_text(one, "Certificate"))
    above = one.properties.get("CA", [])
    assert isinstance(above, list)
    return line + "".join(f" ca {quoted(str(name))}" for name in above)


def _profile(one: Thing) -> str:
    line = f"profile {quoted(one.name)} {quoted(_text(one, 'IdentCredential', '%none%'))}"
    options = one.properties.get("SSLOptions")
    if isinstance(options, set):
        line += f" option-string {'+'.join(sorted(options))}"
    for key, word in (
        ("ValCredential", "ssl"),
        ("Ciphers", "ciphers"),
        ("ClientCAList", "clientcalist"),
    ):
        if key in one.properties:
            line += f" {word} {quoted(_text(one, key))}"
    return line


def _sslproxy(one: Thing) -> str:
    direction = _text(one, "Direction")
    line = f"sslproxy {quoted(one.name)} {direction}"
    for key in ("ReverseCryptoProfile", "ForwardCryptoProfile"):
        if key in one.properties:
            line += f" {quoted(_text(one, key))}"
    for key, word in (
        ("ClientAuthOptional", "client-auth-optional"),
        ("ClientAuthAlwaysRequest", "client-auth-always-request"),
        ("PermitInsecureServers", "permit-insecure-servers"),
    ):
        if key in one.properties:
            line += f" {word} {_text(one, key)}"
    return line


ONE_LINE = {
    "CryptoCertificate": lambda one: _file("certificate", one),
    "CryptoKey": lambda one: _file("key", one),
    "CryptoIdentCred": _idcred,
    "CryptoProfile": _profile,
}


# --- containers -----------------------------------------------------------------------------------


def as_zip(members: Mapping[str, bytes]) -> bytes:
    """An archive of these files."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return held.getvalue()


def schema(defaults: Mapping[tuple[str, str], str]) -> bytes:
    """``dp-aux/drMgmt.xml`` with these defaults."""
    kinds = dict.fromkeys(kind for kind, _ in defaults)
    objects = "".join(
        f'<object name="{kind}" cli-alias="x"><properties>'
        + "".join(
            f'<property name="{name}" type="dmString"><default>{escape(value)}</default></property>'
            for (owner, name), value in defaults.items()
            if owner == kind
        )
        + "</properties></object>"
        for kind in kinds
    )
    return f"<management-objects>{objects}</management-objects>".encode()


def backup(things: Iterable[Thing], domain: str = "payments") -> bytes:
    """A domain backup: an archive in an archive."""
    outer = (
        '<datapower-configuration version="3"><configuration domain="default">'
        f'<Domain name="{domain}"><mAdminState>enabled</mAdminState></Domain></configuration>'
        f'<domains><domain name="{domain}"/></domains></datapower-configuration>'
    )
    things = list(things)
    inner = as_zip({"export.xml": as_xml(things, domain), f"config/{domain}.cfg": as_cfg(things)})
    return as_zip({"export.xml": outer.encode(), f"{domain}.zip": inner})


# --- a gateway ------------------------------------------------------------------------------------

SUITES = [
    "AES_256_GCM_SHA384",
    "AES_128_GCM_SHA256",
    "ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "DHE_RSA_WITH_AES_256_GCM_SHA384",
]
CURVES = ["secp521r1", "secp384r1", "secp256r1"]
VERSIONS = {"TLSv1d1", "TLSv1d2", "TLSv1d3"}


def server_profile(name: str = "front", **changes: Property) -> Thing:
    """A server profile of today, with its credential ``gateway``."""
    made: dict[str, Property] = {
        "Protocols": VERSIONS,
        "Ciphers": SUITES,
        "Idcred": "gateway",
        "RequestClientAuth": "off",
        "RequireClientAuth": "on",
        "ValidateClientCert": "on",
        "SendClientAuthCAList": "on",
        "PreferServerCiphers": "on",
        "NumberOfRenegotiationAllowed": "0",
        "AllowLegacyRenegotiation": "off",
        "EllipticCurves": CURVES,
    }
    return Thing("SSLServerProfile", name, {**made, **changes})


def client_profile(name: str = "back", **changes: Property) -> Thing:
    """A client profile of today that trusts ``partners``."""
    made: dict[str, Property] = {
        "Protocols": VERSIONS,
        "Ciphers": SUITES,
        "ValidateServerCert": "on",
        "Valcred": "partners",
        "SSLClientFeatures": {"use-sni"},
        "EllipticCurves": CURVES,
        "UseCustomSNIHostname": "no",
        "ValidateHostname": "off",
        "HostnameValidationFailOnError": "off",
    }
    return Thing("SSLClientProfile", name, {**made, **changes})


def credentials(*above: str) -> list[Thing]:
    """The credential ``gateway``, with intermediates."""
    made = [
        thing("CryptoCertificate", "gateway", Filename="cert:///gateway.pem"),
        thing("CryptoKey", "gateway-key", Filename="cert:///gateway.key"),
    ]
    made += [thing("CryptoCertificate", name, Filename=f"cert:///{name}.pem") for name in above]
    identity: dict[str, Property] = {"Key": "gateway-key", "Certificate": "gateway"}
    if above:
        identity["CA"] = list(above)
    return [*made, Thing("CryptoIdentCred", "gateway", identity)]


def trust(name: str = "partners", *roots: str, **changes: Property) -> list[Thing]:
    """A validation credential with the certificates of these names."""
    made = [thing("CryptoCertificate", root, Filename=f"cert:///{root}.pem") for root in roots]
    properties: dict[str, Property] = {
        "Certificate": list(roots),
        "CertValidationMode": "pkix",
        "UseCRL": "on",
        "RequireCRL": "off",
        "CRLDPHandling": "ignore",
        "CheckDates": "on",
    }
    return [*made, Thing("CryptoValCred", name, {**properties, **changes})]


def handler(name: str = "https-in", port: int = 443, **changes: Property) -> Thing:
    """An HTTPS handler with the server profile ``front``."""
    made: dict[str, Property] = {
        "LocalAddress": "0.0.0.0",
        "LocalPort": str(port),
        "SSLServerConfigType": "server",
        "SSLServer": "front",
    }
    return Thing("HTTPSSourceProtocolHandler", name, {**made, **changes})


def service(url: str = "https://backend.example:8443/", **changes: Property) -> Thing:
    """A gateway service behind ``https-in`` that calls a backend with the profile ``back``."""
    made: dict[str, Property] = {
        "FrontProtocol": ["https-in"],
        "BackendUrl": url,
        "Type": "static-backend",
        "SSLClientConfigType": "client",
        "SSLClient": "back",
        "XMLManager": "default",
    }
    return Thing("MultiProtocolGateway", "orders", {**made, **changes})
