"""HAProxy: keywords of bind lines and of server lines."""

from __future__ import annotations

from analyzer.products.topics import Product, Topic

PRODUCT = Product(
    name="haproxy",
    label="HAProxy",
    stacks=frozenset(),
    as_server={
        Topic.IDENTITY: (
            "bind … ssl crt FILE: one PEM file with certificate, intermediates and key; "
            "then haproxy -c -f haproxy.cfg."
        ),
        Topic.TRUST: (
            "bind … ca-file FILE (ca-verify-file for authorities that clients are not told of)."
        ),
        Topic.ASK: (
            "bind … verify required | optional | none; crt-ignore-err and ca-ignore-err "
            "let errors pass."
        ),
        Topic.REVOCATION: "bind … crl-file FILE wants a current list of every issuer.",
        Topic.STAPLE: "a file NAME.pem.ocsp beside the certificate, or ocsp-update on.",
        Topic.VERSIONS: (
            "bind … ssl-min-ver TLSv1.2 ssl-max-ver TLSv1.3, or ssl-default-bind-options."
        ),
        Topic.CIPHERS: (
            "bind … ciphers (TLS 1.2) and ciphersuites (TLS 1.3), or "
            "ssl-default-bind-ciphers; a certificate for each kind of key (NAME.pem.rsa, "
            "NAME.pem.ecdsa)."
        ),
        Topic.GROUPS: "bind … curves X25519:P-256:P-384",
        Topic.SIGNATURES: (
            "a certificate with a key of the other kind (NAME.pem.rsa, NAME.pem.ecdsa), "
            "or bind … sigalgs."
        ),
        Topic.NAMES: (
            "crt-list or a folder of certificates with one for the name; strict-sni "
            "refuses names that none of them has."
        ),
        Topic.ALPN: "bind … alpn h2,http/1.1",
        Topic.DH: "ssl-dh-param-file, or tune.ssl.default-dh-param 2048.",
        Topic.LISTENER: (
            "bind PORT ssl crt …; a bind without ssl speaks plain text; accept-proxy only "
            "where a PROXY header comes."
        ),
        Topic.LOG: (
            'option httpslog or log-format with %[ssl_fc_err_str]; "SSL handshake '
            'failure" alone holds no reason.'
        ),
    },
    as_client={
        Topic.TRUST: "server … ssl ca-file FILE verify required.",
        Topic.IDENTITY: "server … crt FILE (certificate, intermediates and key).",
        Topic.REVOCATION: "server … crl-file FILE.",
        Topic.VERSIONS: (
            "server … ssl-min-ver TLSv1.2 ssl-max-ver TLSv1.3, or ssl-default-server-options."
        ),
        Topic.CIPHERS: "server … ciphers and ciphersuites, or ssl-default-server-ciphers.",
        Topic.GROUPS: "server … curves X25519:P-256:P-384",
        Topic.POLICY: (
            "server … ciphers DEFAULT@SECLEVEL=1 takes shorter keys and older hashes. "
            "Better have the server changed."
        ),
        Topic.NAMES: (
            "server … sni str(host.example) (none is sent as delivered; check-sni for "
            "health checks) and verifyhost host.example."
        ),
        Topic.ALPN: "server … alpn h2,http/1.1",
        Topic.LISTENER: (
            "server … ssl where it speaks TLS; a check without check-ssl connects and "
            "leaves without a hello."
        ),
        Topic.LOG: "log-format with %[ssl_bc_err_str] (2.5 and later).",
    },
)
