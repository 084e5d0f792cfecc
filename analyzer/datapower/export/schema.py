"""Classes and properties that say something about TLS, and what an absent property stands for.

The table is the allow-list of the readers: what is not in it is not kept. Its names are those of
the product (XML class and element; command and keyword of the .cfg form); kinds are

* ``text``: one value; ``toggle``: on or off; ``vector``: several values, order is preference
* ``bits``: a bit map, nested elements in XML, names joined by ``+`` in .cfg
* ``rows(A,B,…)``: nested elements in XML, arguments in this order in .cfg; ``row(…)``: one of them

An export holds its firmware's own schema (``dp-aux/drMgmt.xml``), which then supplies the defaults.
Without it they come from the table: those that schema version 2018.4.1.3 and the documentation of
10.6 share. A default that firmware changed over time is told by version, or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_PROFILED: Final = """
 SSLServerConfigType,SSLConfigType ssl-config-type text
 SSLProxy ssl text
 SSLServer ssl-server text
 SSLSNIServer ssl-sni-server text
 SSLClientConfigType ssl-client-type|ssl-client-config-type text
 SSLClient ssl-client text"""

_TABLE: Final = f"""
CryptoCertificate certificate
 Filename file-name text
 IgnoreExpiration ignore-expiration toggle off
CryptoKey key
 Filename file-name text
CryptoIdentCred idcred
 Key key text
 Certificate certificate text
 CA ca vector
CryptoValCred valcred
 Certificate certificate vector
 CertValidationMode cert-validation-mode text legacy
 UseCRL use-crl toggle on
 RequireCRL require-crl toggle off
 CRLDPHandling crldp text ignore
 CheckDates check-dates toggle on
SSLServerProfile ssl-server
 Protocols protocols bits
 Ciphers ciphers vector
 Idcred idcred text
 RequestClientAuth request-client-auth toggle off
 RequireClientAuth require-client-auth toggle on
 ValidateClientCert validate-client-cert toggle on
 SendClientAuthCAList send-client-auth-ca-list toggle on
 Valcred valcred text
 NumberOfRenegotiationAllowed max-renegotiation-allowed text 0
 AllowLegacyRenegotiation allow-legacy-renegotiation toggle off
 Compression compression toggle off
 PreferServerCiphers prefer-server-ciphers toggle on
 EllipticCurves curves vector
 SigAlgs sign-alg|sig-algs|sigalgs vector
SSLClientProfile ssl-client
 Protocols protocols bits
 Ciphers ciphers vector
 Idcred idcred text
 ValidateServerCert validate-server-cert toggle on
 Valcred valcred text
 SSLClientFeatures ssl-client-features bits use-sni
 EllipticCurves curves vector
 SigAlgs sign-alg|sig-algs|sigalgs vector
 UseCustomSNIHostname use-custom-sni-hostname text no
 CustomSNIHostname custom-sni-hostname text
 ValidateHostname validate-hostname toggle off
 HostnameValidationFailOnError hostname-validation-fail toggle off
SSLSNIServerProfile ssl-sni-server
 Protocols protocols bits
 SNIServerMapping sni-server-mapping text
 SNIServerDefault sni-server-default text
SSLSNIMapping ssl-sni-mapping
 SNIMapping sni-mapping rows(HostNameWildmat,SSLServer)
CryptoProfile profile
 IdentCredential idcred text
 ValCredential ssl text
 Ciphers ciphers text
 SSLOptions option-string bits
 ClientCAList clientcalist toggle off
SSLProxyProfile sslproxy
 Direction direction text
 ForwardCryptoProfile forward text
 ReverseCryptoProfile reverse text
 ClientAuthOptional client-auth-optional toggle off
 ClientAuthAlwaysRequest client-auth-always-request toggle off
 PermitInsecureServers permit-insecure-servers toggle off
HTTPSSourceProtocolHandler source-https
 LocalAddress local-address text 0.0.0.0
 LocalPort port text 443{_PROFILED}
HTTPSourceProtocolHandler source-http
 LocalAddress local-address text 0.0.0.0
 LocalPort port text 80
XMLFirewallService xmlfirewall
 LocalAddress local-address|ip-address text 0.0.0.0
 LocalPort port text
 RemoteAddress remote-address|remote-ip-address text
 RemotePort remote-port text
 XMLManager xml-manager text
 Type type text{_PROFILED}
SSLProxyService sslforwarder
 LocalAddress local-address|ip-address text 0.0.0.0
 LocalPort local-port text
 RemoteAddress remote-address|remote-ip-address text
 RemotePort remote-port text{_PROFILED}
MultiProtocolGateway mpgw
 FrontProtocol front-protocol vector
 BackendUrl backend-url text
 XMLManager xml-manager text
 Type type text static-backend{_PROFILED}
WSGateway wsgw
 FrontProtocol front-protocol vector
 AutoCreatedSources autocreated-sources vector
 BackendUrl backend-url text
 XMLManager xml-manager text
 Type type text static-from-wsdl{_PROFILED}
XMLManager xml-manager|xmlmgr
 UserAgent user-agent text
HTTPUserAgent user-agent
 SSLPolicies ssl rows(RegExp,SSLProxyProfile,SSLClientConfigType,SSLClient)
 ProxyPolicies proxy rows(RegExp,Skip,RemoteAddress,RemotePort)
LoadBalancerGroup loadbalancer-group
 LBGroupMembers server rows(Server,Weight,MappedPort,Activity,HealthPort,LBMemberState)
CRLFetch crl
 CRLFetchConfig crl-fetch rows(Name,IssuerValcred)
CertMonitor cert-monitor
 PollingInterval poll text 1
 ReminderTime reminder text 30
 DisableExpiredCerts disable-expired-certs toggle off
HostAlias host-alias
 IPAddress ip-address text
"""

# What changed with firmware: (class, property) -> (first major version, default), newest last.
_BY_FIRMWARE: Final[Mapping[tuple[str, str], tuple[tuple[int, str], ...]]] = {
    (kind, "Protocols"): ((2018, "TLSv1d0+TLSv1d1+TLSv1d2"), (10, "TLSv1d1+TLSv1d2+TLSv1d3"))
    for kind in ("SSLServerProfile", "SSLClientProfile", "SSLSNIServerProfile")
}


@dataclass(frozen=True, slots=True)
class PropertySpec:
    """One property: its element, its keyword, its shape, and its default where all firmware agrees."""

    name: str
    keyword: str
    shape: str  # text, toggle, vector, bits, rows
    fields: tuple[str, ...] = ()  # of rows
    default: str | None = None


@dataclass(frozen=True, slots=True)
class ClassSpec:
    """One class: its element, its command (``|`` between several), its properties by element."""

    name: str
    command: str
    properties: Mapping[str, PropertySpec]

    def by_keyword(self, keyword: str) -> PropertySpec | None:
        """The property that a .cfg line sets."""
        found = self.properties.values()
        return next((p for p in found if keyword in p.keyword.split("|")), None)


def _read_table() -> Mapping[str, ClassSpec]:
    classes: dict[str, dict[str, PropertySpec]] = {}
    commands: dict[str, str] = {}
    for line in _TABLE.strip().splitlines():
        words = line.split()
        if not line.startswith(" "):
            kind, commands[words[0]] = words[0], words[1]
            classes[kind] = {}
            continue
        shape, _, inner = words[2].rstrip(")").partition("(")
        fields = tuple(inner.split(",")) if inner else ()
        default = words[3] if len(words) > 3 else None
        for name in words[0].split(","):
            classes[kind][name] = PropertySpec(name, words[1], shape, fields, default)
    return {kind: ClassSpec(kind, commands[kind], found) for kind, found in classes.items()}


CLASSES: Final = _read_table()
COMMANDS: Final[Mapping[str, ClassSpec]] = {
    command: spec for spec in CLASSES.values() for command in spec.command.split("|")
}

# Every other class may lead to a profile too (some sixty do): by a reference to one of these.
PROFILE_CLASSES: Final = frozenset(
    {"SSLServerProfile", "SSLClientProfile", "SSLSNIServerProfile", "SSLProxyProfile"}
)


def default_of(
    kind: str, name: str, own: Mapping[tuple[str, str], str], firmware: str
) -> tuple[str | None, bool]:
    """What an absent property stands for, and whether that is beyond doubt.

    ``own`` are the defaults of the schema inside the export, by class and property; ``firmware`` is as
    the export says it (``IDG.2018.4.1.3``), empty where it does not.
    """
    if (kind, name) in own:
        return own[kind, name], True
    spec = CLASSES[kind].properties.get(name) if kind in CLASSES else None
    if spec is not None and spec.default is not None:
        return spec.default, True
    eras = _BY_FIRMWARE.get((kind, name), ())
    major = _major(firmware)
    return next((value for first, value in eras if first == major), None), False


def _major(firmware: str) -> int | None:
    """The major version: 2018 of ``IDG.2018.4.1.3``, 10 of ``IDG.10.6.0.1``."""
    found = re.search(r"(\d+)\.\d+", firmware)
    return int(found[1]) if found else None
