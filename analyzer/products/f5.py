"""F5 BIG-IP: the client SSL profile faces clients, the server SSL profile faces the pool."""

from __future__ import annotations

from analyzer.products.topics import Product, Topic

PRODUCT = Product(
    name="f5",
    label="F5 BIG-IP",
    stacks=frozenset(),
    as_server={
        Topic.IDENTITY: (
            "client SSL profile (Local Traffic, Profiles, SSL, Client): Certificate Key "
            "Chain with certificate, key and Chain; tmsh list ltm profile client-ssl NAME "
            "cert-key-chain."
        ),
        Topic.TRUST: (
            "client SSL profile, Client Authentication: Trusted Certificate Authorities, "
            "and Advertised Certificate Authorities for what clients are told."
        ),
        Topic.ASK: (
            "client SSL profile, Client Authentication: Client Certificate require | "
            "request | ignore, Frequency once | always."
        ),
        Topic.REVOCATION: (
            "client SSL profile, Certificate Revocation List (CRL), or an OCSP "
            "authentication profile."
        ),
        Topic.STAPLE: "client SSL profile: OCSP Stapling parameters with a resolver.",
        Topic.VERSIONS: (
            "client SSL profile, Options: no-tlsv1.x entries; TLS 1.3 must be taken out "
            "of the disabled ones."
        ),
        Topic.CIPHERS: (
            "client SSL profile, Ciphers (string or cipher group); tmm --clientciphers "
            "'STRING' lists what it means. ECDSA suites need an ECDSA entry in the "
            "Certificate Key Chain."
        ),
        Topic.GROUPS: (
            "a cipher rule with DH groups, in the cipher group of the client SSL profile."
        ),
        Topic.SIGNATURES: (
            "signature algorithms of the cipher rule, and a Certificate Key Chain of the "
            "other kind (RSA or ECDSA)."
        ),
        Topic.NAMES: (
            "client SSL profile: Server Name, Default SSL Profile for SNI, Require Peer "
            "SNI Support; all profiles of names are attached to the virtual server."
        ),
        Topic.ALPN: "an HTTP/2 profile on the virtual server.",
        Topic.DH: "Ciphers without DHE, or single-dh-use; key sizes come with the release.",
        Topic.LEGACY: (
            "client SSL profile: Renegotiation, Secure Renegotiation request | require, "
            "Extended Master Secret."
        ),
        Topic.LISTENER: "a virtual server speaks TLS only with a client SSL profile attached.",
        Topic.LOG: (
            "/var/log/ltm with tmsh modify sys db log.ssl.level value Debug; 01260009 and "
            "01260013 hold the reason; tcpdump … --f5 ssl keeps the keys."
        ),
    },
    as_client={
        Topic.TRUST: (
            "server SSL profile, Server Authentication: Trusted Certificate Authorities, "
            "Server Certificate require."
        ),
        Topic.IDENTITY: "server SSL profile: Certificate, Key and Chain.",
        Topic.REVOCATION: "server SSL profile, Certificate Revocation List (CRL).",
        Topic.VERSIONS: "server SSL profile, Options: no-tlsv1.x entries.",
        Topic.CIPHERS: (
            "server SSL profile, Ciphers; tmm --serverciphers 'STRING' lists what it means."
        ),
        Topic.GROUPS: (
            "a cipher rule with DH groups, in the cipher group of the server SSL profile."
        ),
        Topic.NAMES: (
            "server SSL profile: Server Name is the SNI that is sent (none as delivered), "
            "Authenticate Name what is compared."
        ),
        Topic.LEGACY: "server SSL profile: Secure Renegotiation require-strict | request.",
        Topic.LISTENER: (
            "a pool is spoken to in TLS only with a server SSL profile on the virtual "
            "server; a tcp monitor connects and leaves without a hello."
        ),
        Topic.LOG: "/var/log/ltm with tmsh modify sys db log.ssl.level value Debug.",
    },
)
