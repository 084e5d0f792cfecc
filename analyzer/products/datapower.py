"""DataPower: objects and properties by their names in the WebGUI, command line names in brackets."""

from __future__ import annotations

from analyzer.products.topics import Product, Topic

PRODUCT = Product(
    name="datapower",
    label="DataPower",
    stacks=frozenset(),
    as_server={
        Topic.IDENTITY: (
            "TLS server profile (ssl-server), Identification credentials (idcred): Crypto "
            "Key, Crypto Certificate, and every intermediate in the list of intermediate "
            "CA certificates; the root is not sent."
        ),
        Topic.TRUST: (
            "TLS server profile, Validation credentials (valcred): add a Crypto "
            "Certificate of the issuer. Mode pkix wants every authority up to the root, "
            "exact-match the certificate itself after each renewal."
        ),
        Topic.ASK: (
            "TLS server profile: Request client authentication (request-client-auth) "
            "asks, Require client authentication (require-client-auth) insists, Send "
            "client authentication CA list (send-client-auth-ca-list) narrows what "
            "clients offer."
        ),
        Topic.REVOCATION: (
            "Validation credentials: Use CRLs (use-crl) and Require CRLs (require-crl); "
            "the lists come from the CRL retrieval object (crl) of the default domain."
        ),
        Topic.VERSIONS: (
            "TLS server profile, Protocols (protocols). Behind a TLS SNI server profile "
            "(ssl-sni-server) its Protocols decide first."
        ),
        Topic.CIPHERS: (
            "TLS server profile, Ciphers (ciphers), in order of preference; upgraded "
            "configurations keep their old list. ECDSA suites need an ECDSA key in the "
            "identification credentials."
        ),
        Topic.GROUPS: "TLS server profile, Elliptic curves (curves); the choice may lack x25519.",
        Topic.SIGNATURES: (
            "TLS server profile: Signature algorithms, where the firmware has them, and "
            "the kind of key in the identification credentials."
        ),
        Topic.NAMES: (
            "TLS SNI server profile (ssl-sni-server): a row for the name in the host name "
            "mapping (ssl-sni-mapping); the SNI default server profile "
            "(sni-server-default) serves clients without a name."
        ),
        Topic.LEGACY: (
            "TLS server profile: Allow legacy renegotiation (allow-legacy-renegotiation) "
            "and Maximum number of renegotiations (max-renegotiation-allowed, 0 as "
            "delivered)."
        ),
        Topic.LISTENER: (
            "an HTTPS handler (source-https) has a TLS profile and an HTTP handler has "
            "none: check which of them has this port, and that it is up."
        ),
        Topic.LOG: (
            "the log of the domain at level debug, category ssl: 0x8120002f at this "
            "second holds the reason of the TLS library; 0x81200025 beside it is no "
            "reason."
        ),
    },
    as_client={
        Topic.TRUST: (
            "TLS client profile (ssl-client), Validation credentials (valcred): add a "
            "Crypto Certificate of the authority; in mode pkix also every intermediate "
            "that the server does not send."
        ),
        Topic.IDENTITY: (
            "TLS client profile, Identification credentials (idcred): key, certificate "
            "and its intermediates. A TLS policy of the user agent can put another "
            "profile in its place."
        ),
        Topic.REVOCATION: (
            "Validation credentials: Use CRLs (use-crl), Require CRLs (require-crl), and "
            "the CRL retrieval object (crl) of the default domain."
        ),
        Topic.VERSIONS: "TLS client profile, Protocols (protocols).",
        Topic.CIPHERS: "TLS client profile, Ciphers (ciphers), in order of preference.",
        Topic.GROUPS: "TLS client profile, Elliptic curves (curves).",
        Topic.NAMES: (
            "TLS client profile: Use SNI (use-sni) sends the host of the backend URL, "
            "Custom SNI hostname (custom-sni-hostname) another one; Validate hostname "
            "decides whether names are compared at all."
        ),
        Topic.LEGACY: (
            "TLS client profile, Features: Permit connections to insecure TLS servers "
            "(permit-insecure-servers)."
        ),
        Topic.LISTENER: (
            "the BackendUrl (https:// where the backend speaks TLS, http:// where not) "
            "and the TLS client profile of the service, or of the policy of its user "
            "agent."
        ),
        Topic.LOG: (
            "the log of the domain at level debug, category ssl: 0x8120002f at this "
            "second holds the reason of the TLS library."
        ),
    },
)
