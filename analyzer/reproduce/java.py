"""A Java client of one file and the system properties that make JSSE offer what a client offered.

Names are those of "Java Security Standard Algorithm Names" for JDK 17, the properties those of the
"JSSE Reference Guide".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from analyzer.reproduce.recipe import Recipe, Wanted
from analyzer.reproduce.shape import Shape, rough_differences
from analyzer.reproduce.shell import command
from analyzer.tls.registry.code_points import ExtensionType
from analyzer.tls.registry.keys import NamedGroup, SignatureScheme
from analyzer.tls.registry.suite_facts import facts_of
from analyzer.tls.registry.suites import CipherSuite

_VERSIONS: Final = {0x0301: "TLSv1", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}
_G = NamedGroup
_GROUPS: Final = frozenset(
    {_G.x25519, _G.x448, _G.secp256r1, _G.secp384r1, _G.secp521r1}
    | {_G.ffdhe2048, _G.ffdhe3072, _G.ffdhe4096, _G.ffdhe6144, _G.ffdhe8192}
)
_S = SignatureScheme
_SCHEMES: Final = {
    scheme: scheme.label
    for scheme in (
        *(_S.ecdsa_secp256r1_sha256, _S.ecdsa_secp384r1_sha384, _S.ecdsa_secp521r1_sha512),
        *(_S.ed25519, _S.ed448, _S.rsa_pss_rsae_sha256, _S.rsa_pss_rsae_sha384),
        *(_S.rsa_pss_rsae_sha512, _S.rsa_pss_pss_sha256, _S.rsa_pss_pss_sha384),
        *(_S.rsa_pss_pss_sha512, _S.rsa_pkcs1_sha256, _S.rsa_pkcs1_sha384, _S.rsa_pkcs1_sha512),
        *(_S.dsa_sha1, _S.dsa_sha224, _S.dsa_sha256, _S.ecdsa_sha1, _S.ecdsa_sha224),
        _S.rsa_pkcs1_sha1,
    )
} | {_S.rsa_pkcs1_sha224: "rsa_sha224"}
_KEYS: Final = frozenset({"ECDHE", "DHE", "RSA", "ECDH", "TLS13"})
_CIPHERS: Final = frozenset({"AES_128", "AES_256", "CHACHA20", "3DES_EDE"})

# Everything that varies comes by property or argument; the text is the same for every connection.
PROGRAM: Final = """\
import java.net.InetSocketAddress;
import java.net.Socket;
import java.security.Security;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Collections;
import javax.net.ssl.*;

public class Handshake {
    public static void main(String[] a) throws Exception {
        Security.setProperty("jdk.tls.disabledAlgorithms", "");
        Security.setProperty("jdk.certpath.disabledAlgorithms", "");
        String store = System.getProperty("javax.net.ssl.keyStore");
        KeyManager[] keys = null;
        if (store != null) {
            char[] password = System.getProperty("javax.net.ssl.keyStorePassword", "").toCharArray();
            KeyManagerFactory factory =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            factory.init(java.security.KeyStore.getInstance(new java.io.File(store), password), password);
            keys = factory.getKeyManagers();
        }
        TrustManager[] trust = Boolean.getBoolean("check") ? null : new TrustManager[] {
            new X509ExtendedTrustManager() {
                public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
                public void checkClientTrusted(X509Certificate[] c, String t) {}
                public void checkServerTrusted(X509Certificate[] c, String t) {}
                public void checkClientTrusted(X509Certificate[] c, String t, Socket s) {}
                public void checkServerTrusted(X509Certificate[] c, String t, Socket s) {}
                public void checkClientTrusted(X509Certificate[] c, String t, SSLEngine e) {}
                public void checkServerTrusted(X509Certificate[] c, String t, SSLEngine e) {}
            }
        };
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys, trust, null);
        try (Socket plain = new Socket()) {
            plain.connect(new InetSocketAddress(a[0], Integer.parseInt(a[1])), 10000);
            plain.setSoTimeout(10000);
            SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(plain, a[0], 0, true);
            SSLParameters wish = socket.getSSLParameters();
            wish.setServerNames(a[2].isEmpty() ? Collections.emptyList()
                : Collections.singletonList(new SNIHostName(a[2])));
            wish.setApplicationProtocols(Arrays.copyOfRange(a, 3, a.length));
            wish.setUseCipherSuitesOrder(true);
            socket.setSSLParameters(wish);
            socket.startHandshake();
            System.out.println(socket.getSession().getProtocol() + " "
                + socket.getSession().getCipherSuite());
            socket.close();
        }
    }
}
"""


def java(wish: Wanted) -> Recipe:
    """Write the program and the command for a connection."""
    shape = replace(wish.shape, server_name=wish.server_name, alpn=wish.alpn)
    versions = [_VERSIONS[v.rank] for v in shape.versions if v.rank in _VERSIONS]
    suites = [suite.label for suite in shape.cipher_suites if _can(suite)]
    groups = [group.label for group in shape.groups or () if group in _GROUPS]
    schemes = [_SCHEMES[scheme] for scheme in shape.schemes or () if scheme in _SCHEMES]
    tickets = "true" if shape.sends(ExtensionType.SESSION_TICKET) else "false"
    staple = "true" if shape.sends(ExtensionType.STATUS_REQUEST) else "false"
    words = command(
        ("java", f"-Djdk.tls.client.protocols={','.join(versions)}"),
        (f"-Djdk.tls.client.cipherSuites={','.join(suites)}",) if suites else (),
        (f"-Djdk.tls.namedGroups={','.join(groups)}",) if groups else (),
        (f"-Djdk.tls.client.SignatureSchemes={','.join(schemes)}",) if schemes else (),
        (f"-Djdk.tls.client.enableSessionTicketExtension={tickets}",),
        (f"-Djdk.tls.client.enableStatusRequestExtension={staple}",),
        _client_certificate(wish),
        ("-Dcheck=true",) if wish.judges else (),
        ("-Djavax.net.debug=ssl:handshake",),
        ("Handshake.java", wish.host, str(wish.port), wish.server_name or "", *wish.alpn),
    )
    sent = shape_sent(shape)
    return Recipe(
        tool="java",
        title="Java (JSSE), a client of one file",
        command=f"cat > Handshake.java <<'END'\n{PROGRAM}END\n{words}",
        notes=(*wish.notes, *_notes(wish)),
        unlike=rough_differences(wish.shape, sent, "JSSE"),
        shape=sent,
    )


def _can(suite: CipherSuite) -> bool:
    facts = facts_of(suite)
    known = facts.cipher in _CIPHERS and facts.key_exchange in _KEYS
    return known and facts.mode in {"GCM", "CBC", "POLY1305"} and not facts.export


def shape_sent(shape: Shape) -> Shape:
    """The lists that JSSE of JDK 17 sends by these properties."""
    offered = [v for v in shape.versions if v.rank in _VERSIONS]
    suites = [
        s for s in shape.cipher_suites if _can(s) and any(map(facts_of(s).allowed_in, offered))
    ]
    usable = [v for v in offered if any(facts_of(suite).allowed_in(v) for suite in suites)]
    return replace(
        shape,
        versions=tuple(usable),  # JSSE leaves out versions that no suite fits
        cipher_suites=tuple(suites),
        groups=tuple(group for group in shape.groups or () if group in _GROUPS),
        schemes=tuple(scheme for scheme in shape.schemes or () if scheme in _SCHEMES),
    )


def _client_certificate(wish: Wanted) -> tuple[str, ...]:
    if not wish.client_certificate:
        return ()
    return ("-Djavax.net.ssl.keyStore=client.p12", "-Djavax.net.ssl.keyStorePassword=changeit")


def _notes(wish: Wanted) -> Iterator[str]:
    yield "runs with JDK 17 or newer; -Dcheck=true makes it judge the certificate as Java does"
    if wish.judges:
        yield "roots of its own with -Djavax.net.ssl.trustStore=roots.p12"
    if wish.client_certificate:
        yield (
            "client.p12 from PEM files: openssl pkcs12 -export -in client.pem -inkey client.key "
            "-out client.p12 -passout pass:changeit"
        )
        yield "Java shows a certificate only where the server's list of authorities names its issuer"
    if wish.starttls or wish.proxy:
        yield "the program speaks TLS at once: neither a proxy nor STARTTLS"
