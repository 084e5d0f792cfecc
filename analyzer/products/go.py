"""Go (crypto/tls): fields of tls.Config, and GODEBUG."""

from __future__ import annotations

from analyzer.products.topics import Product, Topic

PRODUCT = Product(
    name="go",
    label="Go",
    stacks=frozenset({"go"}),
    as_server={
        Topic.IDENTITY: (
            "tls.LoadX509KeyPair wants leaf and intermediates in one file, leaf first "
            "(tls.Config.Certificates or GetCertificate)."
        ),
        Topic.TRUST: "tls.Config.ClientCAs, an x509.CertPool.",
        Topic.ASK: (
            "tls.Config.ClientAuth: RequireAndVerifyClientCert insists, "
            "VerifyClientCertIfGiven does not."
        ),
        Topic.REVOCATION: (
            "Go checks no revocation by itself: see VerifyPeerCertificate or "
            "VerifyConnection of the program."
        ),
        Topic.STAPLE: "tls.Certificate.OCSPStaple.",
        Topic.VERSIONS: (
            "tls.Config.MinVersion and MaxVersion; servers take TLS 1.2 and later from Go "
            "1.22 on (GODEBUG=tls10server=1)."
        ),
        Topic.CIPHERS: (
            "tls.Config.CipherSuites, up to TLS 1.2 only; RSA key exchange and 3DES went "
            "with Go 1.22 and 1.23 (GODEBUG=tlsrsakex=1, tls3des=1). There are no DHE "
            "suites."
        ),
        Topic.GROUPS: "tls.Config.CurvePreferences.",
        Topic.SIGNATURES: (
            "a certificate with a key of the other kind (RSA or ECDSA) in tls.Config.Certificates."
        ),
        Topic.NAMES: (
            "tls.Config.GetCertificate or GetConfigForClient; an error of theirs is sent "
            "as internal_error."
        ),
        Topic.ALPN: "tls.Config.NextProtos.",
        Topic.LEGACY: "Go servers never renegotiate; the extended master secret came with Go 1.21.",
        Topic.LISTENER: "http.ListenAndServeTLS against http.ListenAndServe.",
        Topic.LOG: 'http.Server.ErrorLog: "http: TLS handshake error from ADDRESS: REASON".',
    },
    as_client={
        Topic.TRUST: (
            "tls.Config.RootCAs, else SSL_CERT_FILE and SSL_CERT_DIR, else the system's "
            "store (containers from scratch have none)."
        ),
        Topic.IDENTITY: (
            "tls.Config.Certificates or GetClientCertificate; a certificate whose issuer "
            "is not in the server's list of authorities is not sent."
        ),
        Topic.VERSIONS: "tls.Config.MinVersion and MaxVersion.",
        Topic.CIPHERS: (
            "tls.Config.CipherSuites, up to TLS 1.2 only; RSA key exchange and 3DES went "
            "with Go 1.22 and 1.23 (GODEBUG=tlsrsakex=1, tls3des=1). There are no DHE "
            "suites."
        ),
        Topic.GROUPS: (
            "tls.Config.CurvePreferences; GODEBUG=tlsmlkem=0 takes the large post-quantum "
            "share out."
        ),
        Topic.POLICY: (
            "GODEBUG=x509sha1=1 up to Go 1.23, GODEBUG=rsa1024min=0 from 1.24 on. Better "
            "have the server changed."
        ),
        Topic.NAMES: (
            "tls.Config.ServerName is what is sent and compared; only alternative names "
            "count, never the common name."
        ),
        Topic.ALPN: "tls.Config.NextProtos, or http.Transport.ForceAttemptHTTP2.",
        Topic.LEGACY: "tls.Config.Renegotiation (RenegotiateOnceAsClient).",
        Topic.LISTENER: (
            'check scheme and port of the URL; "first record does not look like a TLS '
            "handshake\" is Go's word for a plain answer."
        ),
        Topic.LOG: "the error of Dial or Do; GODEBUG=http2debug=1 for what follows.",
    },
)
