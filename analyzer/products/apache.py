"""Apache httpd (mod_ssl): directives; those that begin with SSLProxy for its way to the backend."""

from __future__ import annotations

from analyzer.products.topics import Product, Topic

PRODUCT = Product(
    name="apache",
    label="Apache httpd",
    stacks=frozenset(),
    as_server={
        Topic.IDENTITY: (
            "SSLCertificateFile names one file with the certificate first and the "
            "intermediates behind it (SSLCertificateChainFile before 2.4.8), "
            "SSLCertificateKeyFile its key; then apachectl configtest and graceful."
        ),
        Topic.TRUST: (
            "SSLCACertificateFile (or SSLCADNRequestFile for the list that clients are "
            "told of), and SSLVerifyDepth (1 as delivered)."
        ),
        Topic.ASK: (
            "SSLVerifyClient require | optional; within a Location it is asked for after "
            "the handshake, by renegotiation or post-handshake authentication."
        ),
        Topic.REVOCATION: (
            "SSLCARevocationFile with SSLCARevocationCheck chain | leaf, or SSLOCSPEnable."
        ),
        Topic.STAPLE: "SSLUseStapling On with SSLStaplingCache.",
        Topic.VERSIONS: (
            "SSLProtocol -all +TLSv1.2 +TLSv1.3; it is that of the first virtual host of "
            "the address that counts."
        ),
        Topic.CIPHERS: (
            "SSLCipherSuite (and SSLCipherSuite TLSv1.3 …), and a certificate for each "
            "kind of key, since SSLCertificateFile may stand twice."
        ),
        Topic.GROUPS: "SSLOpenSSLConfCmd Groups X25519:P-256:P-384",
        Topic.SIGNATURES: (
            "a second SSLCertificateFile with a key of the other kind (RSA or ECDSA)."
        ),
        Topic.NAMES: (
            "a VirtualHost with this ServerName or ServerAlias; SSLStrictSNIVHostCheck "
            "refuses clients without a name."
        ),
        Topic.ALPN: "Protocols h2 http/1.1",
        Topic.DH: "openssl dhparam 2048 appended to the first SSLCertificateFile.",
        Topic.LEGACY: "SSLInsecureRenegotiation, and no SSLVerifyClient within a Location.",
        Topic.LISTENER: "SSLEngine on in the VirtualHost of this port, and Listen PORT https.",
        Topic.LOG: "LogLevel ssl:info (or debug); AH02008 and AH02039 hold the reason.",
    },
    as_client={
        Topic.TRUST: (
            "SSLProxyCACertificateFile, with SSLProxyVerify require and SSLProxyVerifyDepth."
        ),
        Topic.IDENTITY: (
            "SSLProxyMachineCertificateFile (certificate and key in one PEM file), its "
            "intermediates in SSLProxyMachineCertificateChainFile."
        ),
        Topic.REVOCATION: "SSLProxyCARevocationFile with SSLProxyCARevocationCheck.",
        Topic.VERSIONS: "SSLProxyProtocol -all +TLSv1.2 +TLSv1.3",
        Topic.CIPHERS: "SSLProxyCipherSuite.",
        Topic.NAMES: (
            "SSLProxyCheckPeerName and ProxyPreserveHost: the name of the ProxyPass URL, "
            "or that of the request, is sent and compared."
        ),
        Topic.POLICY: (
            "SSLProxyCipherSuite DEFAULT@SECLEVEL=1 takes shorter keys and older hashes. "
            "Better have the backend changed."
        ),
        Topic.LISTENER: (
            "SSLProxyEngine on and ProxyPass https:// where the backend speaks TLS, "
            "http:// where not."
        ),
        Topic.LOG: "LogLevel proxy:info ssl:info.",
    },
)
