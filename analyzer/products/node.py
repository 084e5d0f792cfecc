"""Node.js: options of tls and https, and environment variables."""

from __future__ import annotations

from analyzer.products.topics import Product, Topic

PRODUCT = Product(
    name="node",
    label="Node.js",
    stacks=frozenset(),
    as_server={
        Topic.IDENTITY: (
            "cert wants leaf and intermediates in one text, leaf first; key its key "
            "(tls.createServer, https.createServer)."
        ),
        Topic.TRUST: "ca of tls.createServer.",
        Topic.ASK: (
            "requestCert asks, rejectUnauthorized insists; Node drops the connection "
            "after the handshake, without an alert."
        ),
        Topic.REVOCATION: "crl wants a current list of every issuer.",
        Topic.STAPLE: "the event OCSPRequest of the server answers.",
        Topic.VERSIONS: "minVersion and maxVersion, or --tls-min-v1.2 and --tls-max-v1.3.",
        Topic.CIPHERS: "ciphers (OpenSSL's names; TLS 1.3 among them), or --tls-cipher-list.",
        Topic.GROUPS: "ecdhCurve 'X25519:P-256:P-384'.",
        Topic.SIGNATURES: "sigalgs, or a second certificate with a key of the other kind.",
        Topic.NAMES: (
            "SNICallback or server.addContext; an error of the callback closes the "
            "connection without an alert."
        ),
        Topic.ALPN: "ALPNProtocols, or http2.createSecureServer with allowHTTP1.",
        Topic.DH: "dhparam 'auto' (or 2048 bits).",
        Topic.LISTENER: "https.createServer against http.createServer.",
        Topic.LOG: "the event tlsClientError of the server; NODE_DEBUG=tls.",
    },
    as_client={
        Topic.TRUST: (
            "NODE_EXTRA_CA_CERTS=/path/ca.pem (read at start), or ca of the request; "
            "--use-system-ca from Node 22 on."
        ),
        Topic.IDENTITY: "cert and key (or pfx and passphrase) of the request or of its Agent.",
        Topic.REVOCATION: "crl of the request.",
        Topic.VERSIONS: "minVersion and maxVersion, or --tls-min-v1.2 and --tls-max-v1.3.",
        Topic.CIPHERS: "ciphers, or --tls-cipher-list.",
        Topic.GROUPS: "ecdhCurve 'X25519:P-256:P-384'.",
        Topic.POLICY: (
            "ciphers 'DEFAULT@SECLEVEL=0' takes shorter keys and older hashes. Better "
            "have the server changed."
        ),
        Topic.NAMES: (
            "servername of the request is what is sent and compared (checkServerIdentity, "
            "after the handshake)."
        ),
        Topic.ALPN: "ALPNProtocols.",
        Topic.LEGACY: "secureOptions with crypto.constants.SSL_OP_LEGACY_SERVER_CONNECT.",
        Topic.LISTENER: "https: against http: in the URL.",
        Topic.LOG: (
            "the error's code (UNABLE_TO_VERIFY_LEAF_SIGNATURE, "
            "ERR_TLS_CERT_ALTNAME_INVALID …); NODE_DEBUG=tls."
        ),
    },
)
