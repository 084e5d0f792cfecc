"""Java (JSSE): system properties, keytool, and security properties of the runtime."""

from __future__ import annotations

from analyzer.products.topics import Product, Topic

PRODUCT = Product(
    name="java",
    label="Java",
    stacks=frozenset({"java"}),
    as_server={
        Topic.IDENTITY: (
            "the keystore of the connector (javax.net.ssl.keyStore; Tomcat "
            "certificateKeystoreFile; Spring server.ssl.key-store) must hold the key with "
            'its whole chain: keytool -list -v -keystore server.p12 shows "Certificate '
            'chain length".'
        ),
        Topic.TRUST: (
            "the truststore of the connector (javax.net.ssl.trustStore; Tomcat "
            "truststoreFile; Spring server.ssl.trust-store): keytool -importcert -alias "
            "partner-ca -file ca.pem -keystore truststore.p12"
        ),
        Topic.ASK: (
            "SSLParameters.setNeedClientAuth or setWantClientAuth (Tomcat "
            "certificateVerification; Spring server.ssl.client-auth) decides whether a "
            "certificate is demanded."
        ),
        Topic.REVOCATION: (
            "com.sun.net.ssl.checkRevocation and the security property ocsp.enable (or "
            "com.sun.security.enableCRLDP) decide what is checked."
        ),
        Topic.STAPLE: "-Djdk.tls.server.enableStatusRequestExtension=true makes the server staple.",
        Topic.VERSIONS: (
            "the enabled protocols of the connector, and jdk.tls.disabledAlgorithms in "
            "conf/security/java.security, which switches off TLSv1 and TLSv1.1."
        ),
        Topic.CIPHERS: (
            "the enabled cipher suites of the connector, jdk.tls.disabledAlgorithms in "
            "java.security, and the kind of key in the keystore (RSA or EC)."
        ),
        Topic.GROUPS: "-Djdk.tls.namedGroups=x25519,secp256r1,secp384r1 names the groups.",
        Topic.SIGNATURES: (
            "-Djdk.tls.server.SignatureSchemes, and the kind of key in the keystore (RSA or EC)."
        ),
        Topic.NAMES: (
            "SNIMatcher of SSLParameters, or the virtual hosts of the connector (Tomcat: "
            "SSLHostConfig hostName)."
        ),
        Topic.ALPN: (
            "SSLParameters.setApplicationProtocols; a connector that speaks HTTP/2 must "
            "be switched to it."
        ),
        Topic.DH: "-Djdk.tls.ephemeralDHKeySize=2048 (or 3072).",
        Topic.LEGACY: (
            "-Djdk.tls.allowLegacyMasterSecret, "
            "-Dsun.security.ssl.allowLegacyHelloMessages and "
            "-Djdk.tls.rejectClientInitiatedRenegotiation."
        ),
        Topic.LISTENER: (
            "a connector speaks TLS only with SSLEnabled (Tomcat) or server.ssl.* "
            "(Spring): check port and connector."
        ),
        Topic.LOG: (
            "-Djavax.net.debug=ssl,handshake,trustmanager prints the reason on standard error."
        ),
    },
    as_client={
        Topic.TRUST: (
            "the truststore that this program uses (javax.net.ssl.trustStore, else "
            "lib/security/cacerts of its own runtime): keytool -importcert -cacerts "
            "-alias partner-ca -file ca.pem"
        ),
        Topic.IDENTITY: (
            "javax.net.ssl.keyStore and keyStorePassword, or the KeyManager of the "
            "client's SSLContext; a key whose issuer is not in the server's list of "
            "authorities is not offered."
        ),
        Topic.REVOCATION: (
            "com.sun.net.ssl.checkRevocation with the security property ocsp.enable or "
            "com.sun.security.enableCRLDP."
        ),
        Topic.STAPLE: (
            "-Djdk.tls.client.enableStatusRequestExtension and -Dcom.sun.net.ssl.checkRevocation."
        ),
        Topic.VERSIONS: (
            "-Djdk.tls.client.protocols=TLSv1.2,TLSv1.3 (https.protocols for "
            "HttpsURLConnection), and jdk.tls.disabledAlgorithms in "
            "conf/security/java.security."
        ),
        Topic.CIPHERS: (
            "-Djdk.tls.client.cipherSuites (https.cipherSuites), and "
            "jdk.tls.disabledAlgorithms in java.security."
        ),
        Topic.GROUPS: "-Djdk.tls.namedGroups=x25519,secp256r1,secp384r1 names the groups.",
        Topic.SIGNATURES: (
            "-Djdk.tls.client.SignatureSchemes, and jdk.tls.disabledAlgorithms in java.security."
        ),
        Topic.POLICY: (
            "jdk.certpath.disabledAlgorithms and jdk.tls.disabledAlgorithms in "
            "conf/security/java.security set the least key sizes and hashes. Better have "
            "the server changed."
        ),
        Topic.NAMES: (
            "the host of the URL is what is sent as SNI and compared; an address, or a "
            "name without a dot, is not sent."
        ),
        Topic.ALPN: "SSLParameters.setApplicationProtocols, or HttpClient.version().",
        Topic.SIZE: (
            "-Djdk.tls.maxHandshakeMessageSize (32768 bytes) and "
            "-Djdk.tls.maxCertificateChainLength (10)."
        ),
        Topic.LEGACY: (
            "-Djdk.tls.allowLegacyMasterSecret=true and "
            "-Dsun.security.ssl.allowLegacyHelloMessages=true let old servers in."
        ),
        Topic.LISTENER: "check scheme and port of the URL (https:// against http://).",
        Topic.LOG: (
            "-Djavax.net.debug=ssl,handshake,trustmanager prints the reason on standard error."
        ),
    },
)
