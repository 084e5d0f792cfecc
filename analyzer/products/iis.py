"""IIS and http.sys on Windows: bindings, certificate stores, Schannel."""

from __future__ import annotations

from analyzer.products.topics import Product, Topic

PRODUCT = Product(
    name="iis",
    label="IIS",
    stacks=frozenset(),
    as_server={
        Topic.IDENTITY: (
            "the certificate of the binding (IIS Manager: Bindings; netsh http show "
            "sslcert) in the store LocalMachine\\My with its private key, its "
            "intermediates in LocalMachine\\CA."
        ),
        Topic.TRUST: (
            "the root in LocalMachine\\Root, intermediates in LocalMachine\\CA; only roots "
            "belong into Root, or the list that clients are told of breaks."
        ),
        Topic.ASK: (
            "SSL Settings: Client certificates Require | Accept; netsh http … "
            "clientcertnegotiation=enable asks in the first handshake instead of by "
            "renegotiation."
        ),
        Topic.REVOCATION: (
            "netsh http … verifyclientcertrevocation; the server must reach the "
            "distribution points: certutil -verify -urlfetch client.cer."
        ),
        Topic.STAPLE: "Windows staples by itself where it can reach the OCSP responder.",
        Topic.VERSIONS: (
            "HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL\\Protocols, "
            "then restart."
        ),
        Topic.CIPHERS: (
            'Get-TlsCipherSuite and Enable-TlsCipherSuite, or the group policy "SSL '
            'Cipher Suite Order"; ECDSA suites need an ECDSA certificate.'
        ),
        Topic.GROUPS: (
            'Get-TlsEccCurve and Enable-TlsEccCurve, or the group policy "ECC Curve Order".'
        ),
        Topic.SIGNATURES: "a certificate with a key of the other kind (RSA or ECDSA).",
        Topic.NAMES: (
            'a binding with this host name and "Require Server Name Indication"; without '
            "a fitting one http.sys resets the connection."
        ),
        Topic.ALPN: (
            "HTTP/2 is switched by EnableHttp2Tls in "
            "HKLM\\SYSTEM\\CurrentControlSet\\Services\\HTTP\\Parameters."
        ),
        Topic.DH: (
            "SCHANNEL\\KeyExchangeAlgorithms\\Diffie-Hellman: ServerMinKeyBitLength 2048, "
            "or no DHE suites."
        ),
        Topic.LEGACY: (
            "SCHANNEL: AllowInsecureRenegoClients, and DisableClientExtendedMasterSecret "
            "/ DisableServerExtendedMasterSecret."
        ),
        Topic.LISTENER: "the binding of this port must be of type https.",
        Topic.LOG: (
            "event log System, source Schannel (36871, 36874, 36887, 36888), with "
            "EventLogging 7; http.sys: netsh http show sslcert and httperr.log."
        ),
    },
    as_client={
        Topic.TRUST: (
            "the root in LocalMachine\\Root of the server that calls (Application Request "
            "Routing uses the machine's stores)."
        ),
        Topic.IDENTITY: (
            "a certificate with private key in LocalMachine\\My that the application pool may read."
        ),
        Topic.VERSIONS: (
            "SCHANNEL\\Protocols\\TLS 1.2\\Client (Enabled, DisabledByDefault), then restart."
        ),
        Topic.CIPHERS: "Get-TlsCipherSuite and Enable-TlsCipherSuite.",
        Topic.GROUPS: "Get-TlsEccCurve and Enable-TlsEccCurve.",
        Topic.LISTENER: "the scheme of the rewrite rule or server farm (https:// against http://).",
        Topic.LOG: "event log System, source Schannel, with EventLogging 7.",
    },
)
