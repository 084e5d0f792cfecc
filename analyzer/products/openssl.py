"""Programs on OpenSSL: its own tools, curl, Python, and its configuration file."""

from __future__ import annotations

from analyzer.products.topics import Product, Topic

PRODUCT = Product(
    name="openssl",
    label="OpenSSL",
    stacks=frozenset({"openssl"}),
    as_server={
        Topic.IDENTITY: (
            "SSL_CTX_use_certificate_chain_file wants leaf and intermediates in one file, "
            "leaf first (s_server: -cert leaf.pem -cert_chain rest.pem -key server.key; "
            "Python: SSLContext.load_cert_chain)."
        ),
        Topic.TRUST: (
            "SSL_CTX_load_verify_locations, and SSL_CTX_set_client_CA_list for what the "
            "server says it takes (s_server: -CAfile; Python: load_verify_locations)."
        ),
        Topic.ASK: (
            "SSL_VERIFY_PEER asks, SSL_VERIFY_FAIL_IF_NO_PEER_CERT insists (s_server: "
            "-verify, -Verify; Python: verify_mode)."
        ),
        Topic.REVOCATION: (
            "X509_V_FLAG_CRL_CHECK wants a current list of every issuer (s_server: "
            "-crl_check -CRL)."
        ),
        Topic.STAPLE: "SSL_CTX_set_tlsext_status_cb answers (s_server: -status_file).",
        Topic.VERSIONS: (
            "MinProtocol and MaxProtocol in openssl.cnf, or SSL_CTX_set_min_proto_version "
            "(s_server: -tls1_2, -no_tls1_3)."
        ),
        Topic.CIPHERS: (
            "CipherString for TLS 1.2 with its @SECLEVEL, Ciphersuites for TLS 1.3, in "
            "openssl.cnf (s_server: -cipher, -ciphersuites)."
        ),
        Topic.GROUPS: "Groups in openssl.cnf (s_server: -groups X25519:P-256:P-384).",
        Topic.SIGNATURES: (
            "SignatureAlgorithms in openssl.cnf (s_server: -sigalgs), and the kind of the "
            "certificate's key."
        ),
        Topic.NAMES: (
            "SSL_CTX_set_tlsext_servername_callback decides by name (s_server: "
            "-servername, -cert2, -key2)."
        ),
        Topic.ALPN: "SSL_CTX_set_alpn_select_cb (s_server: -alpn).",
        Topic.DH: (
            "openssl dhparam -out dh.pem 2048, or SSL_CTX_set_dh_auto (s_server: -dhparam dh.pem)."
        ),
        Topic.LEGACY: (
            "Options = UnsafeLegacyRenegotiation in openssl.cnf, and SSL_OP_NO_RENEGOTIATION."
        ),
        Topic.LOG: (
            "the program's error queue (ERR_print_errors); s_server -state -msg shows each step."
        ),
    },
    as_client={
        Topic.TRUST: (
            "the file that this program reads: curl --cacert, Python "
            "SSLContext.load_verify_locations or SSL_CERT_FILE, NODE_EXTRA_CA_CERTS, else "
            "the directory that openssl version -d names (update-ca-certificates, "
            "update-ca-trust)."
        ),
        Topic.IDENTITY: (
            "curl --cert and --key, s_client -cert -key -cert_chain, Python "
            "SSLContext.load_cert_chain."
        ),
        Topic.REVOCATION: (
            "X509_V_FLAG_CRL_CHECK wants a current list of every issuer (curl --crlfile, "
            "s_client -crl_check -CRL)."
        ),
        Topic.STAPLE: "curl --cert-status demands a staple, s_client -status asks for one.",
        Topic.VERSIONS: (
            "MinProtocol and MaxProtocol in openssl.cnf (curl --tlsv1.2 --tls-max, "
            "s_client -tls1_2)."
        ),
        Topic.CIPHERS: (
            "CipherString with its @SECLEVEL and Ciphersuites in openssl.cnf (curl "
            "--ciphers and --tls13-ciphers, s_client -cipher and -ciphersuites)."
        ),
        Topic.GROUPS: "Groups in openssl.cnf (curl --curves, s_client -groups).",
        Topic.SIGNATURES: "SignatureAlgorithms in openssl.cnf (s_client -sigalgs).",
        Topic.POLICY: (
            "the security level: CipherString = DEFAULT@SECLEVEL=1 in openssl.cnf takes "
            "shorter keys and older hashes. Better have the server changed."
        ),
        Topic.NAMES: (
            "s_client -servername and -verify_hostname, curl by the host of the URL "
            "(--resolve or --connect-to for another address), Python "
            "wrap_socket(server_hostname=…)."
        ),
        Topic.ALPN: "curl --http1.1 or --http2, s_client -alpn, Python set_alpn_protocols.",
        Topic.SIZE: "SSL_CTX_set_max_cert_list (100 kB as delivered).",
        Topic.LEGACY: (
            "Options = UnsafeLegacyServerConnect in openssl.cnf (s_client -legacy_server_connect)."
        ),
        Topic.LISTENER: (
            "check scheme and port of the URL (https:// against http://); s_client needs "
            "-starttls where TLS comes later."
        ),
        Topic.LOG: (
            "the program's error queue: curl -v, s_client -state -msg, Python's "
            "ssl.SSLError.reason."
        ),
    },
)
