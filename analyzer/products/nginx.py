"""nginx: directives, in server or http; those that begin with proxy_ for its way to the backend."""

from __future__ import annotations

from analyzer.products.topics import Product, Topic

PRODUCT = Product(
    name="nginx",
    label="nginx",
    stacks=frozenset(),
    as_server={
        Topic.IDENTITY: (
            "ssl_certificate names one file with the certificate first and the "
            "intermediates behind it, ssl_certificate_key its key; then nginx -t && nginx "
            "-s reload."
        ),
        Topic.TRUST: (
            "ssl_client_certificate (authorities that clients are told of) and "
            "ssl_trusted_certificate; ssl_verify_depth counts the intermediates (1 as "
            "delivered)."
        ),
        Topic.ASK: (
            "ssl_verify_client on | optional. nginx refuses with HTTP 400 after the "
            'handshake: the error log has "client sent no required SSL certificate".'
        ),
        Topic.REVOCATION: (
            "ssl_crl wants a current list of every issuer in the chain; ssl_ocsp asks responders."
        ),
        Topic.STAPLE: (
            "ssl_stapling on, ssl_stapling_verify on, ssl_trusted_certificate and a "
            "resolver; the first clients after a reload get no staple "
            "(ssl_stapling_file)."
        ),
        Topic.VERSIONS: (
            "ssl_protocols TLSv1.2 TLSv1.3; it is that of the default server of the "
            "address that counts."
        ),
        Topic.CIPHERS: (
            "ssl_ciphers (TLS 1.2), ssl_conf_command Ciphersuites (TLS 1.3), and a "
            "certificate for each kind of key, since ssl_certificate may stand twice (RSA "
            "and ECDSA)."
        ),
        Topic.GROUPS: "ssl_ecdh_curve X25519:prime256v1:secp384r1;",
        Topic.SIGNATURES: "a second ssl_certificate with a key of the other kind (RSA or ECDSA).",
        Topic.NAMES: (
            "a server block with this server_name on the address; without one the "
            "default_server answers, and refuses all with ssl_reject_handshake on."
        ),
        Topic.ALPN: "listen 443 ssl http2 (http2 on from 1.25.1) offers h2 beside http/1.1.",
        Topic.DH: (
            "openssl dhparam -out dh.pem 2048 and ssl_dhparam dh.pem, or no DHE suites in "
            "ssl_ciphers."
        ),
        Topic.LEGACY: "ssl_conf_command Options; nginx never renegotiates on a client's wish.",
        Topic.LISTENER: "listen PORT ssl; a listen without ssl speaks plain HTTP.",
        Topic.LOG: 'error_log … info; "SSL_do_handshake() failed" holds OpenSSL\'s reason.',
    },
    as_client={
        Topic.TRUST: (
            "proxy_ssl_trusted_certificate, with proxy_ssl_verify on and "
            "proxy_ssl_verify_depth (1 as delivered)."
        ),
        Topic.IDENTITY: "proxy_ssl_certificate and proxy_ssl_certificate_key.",
        Topic.REVOCATION: "proxy_ssl_crl wants a current list of every issuer in the chain.",
        Topic.VERSIONS: "proxy_ssl_protocols TLSv1.2 TLSv1.3.",
        Topic.CIPHERS: "proxy_ssl_ciphers, and proxy_ssl_conf_command Ciphersuites for TLS 1.3.",
        Topic.GROUPS: "proxy_ssl_conf_command Groups X25519:P-256:P-384;",
        Topic.SIGNATURES: "proxy_ssl_conf_command SignatureAlgorithms.",
        Topic.POLICY: (
            "proxy_ssl_ciphers DEFAULT@SECLEVEL=1 takes shorter keys and older hashes. "
            "Better have the backend changed."
        ),
        Topic.NAMES: (
            "proxy_ssl_server_name on (off as delivered: no SNI is sent), and "
            "proxy_ssl_name for the name that is sent and compared."
        ),
        Topic.LEGACY: "proxy_ssl_conf_command Options UnsafeLegacyServerConnect;",
        Topic.LISTENER: "proxy_pass https:// where the backend speaks TLS, http:// where not.",
        Topic.LOG: (
            'error_log … info; "while SSL handshaking to upstream" holds OpenSSL\'s reason.'
        ),
    },
)
