"""How each stack is asked to be the server or the client that a scenario wants.

A ``Wish`` is the same for every stack; a function per stack turns it into a command (and, for
servers with a configuration file, writes that). ``None`` means: this stack cannot be asked for that.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.pki import HOST, PASSWORD, Authority

PEERS = Path(__file__).parent / "peers"
GET = b"GET / HTTP/1.0\r\nHost: gateway.example\r\n\r\n"

# One suite or group, as OpenSSL, Go, Java and GnuTLS call it.
SUITES = {
    "aes256": (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        0xC02C,
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "AES-256-GCM",
    ),
    "chacha": (
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        0xCCA9,
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "CHACHA20-POLY1305",
    ),
}
GROUPS = {
    "x25519": ("X25519", 29, "x25519", "GROUP-X25519"),
    "p384": ("P-384", 24, "secp384r1", "GROUP-SECP384R1"),
}


@dataclass(frozen=True)
class Wish:
    """What one side is to do; an empty field leaves the stack its default."""

    version: str = ""
    cert: str = ""
    chain: str = "chain.pem"  # alone: "pem"
    ca: str = ""
    ask: bool = False  # server: require a client certificate
    name: str = HOST  # client: whom it expects, and its SNI
    lax: bool = False  # client: check nothing
    crl: bool = False
    suite: str = ""
    group: str = ""
    alpn: str = ""
    strict: bool = False  # server: refuse other names
    times: int = 1
    dh: bool = False  # OpenSSL's server: a group of 1024 bits
    via: str = ""  # client: what it says before TLS: "proxy" (CONNECT) or "mail" (STARTTLS)
    typed: tuple[str, ...] = ()  # OpenSSL's client: lines typed, half a second apart
    extra: tuple[str, ...] = ()  # further words for OpenSSL's programs


@dataclass(frozen=True)
class Place:
    """Where a program runs: its certificates, scratch folder, and the server's address."""

    pki: Authority
    folder: Path
    host: str
    port: int

    @property
    def keys(self) -> str:
        return str(self.folder / "keys.log")


@dataclass(frozen=True)
class Command:
    """A program to run."""

    words: list[str]
    said: bytes = b""
    environment: tuple[tuple[str, str], ...] = ()


Driver = Callable[[Wish, Place], Command | None]


def _files(wish: Wish, place: Place) -> tuple[str, str]:
    if not wish.cert:
        return "", ""
    return place.pki.path(wish.cert, wish.chain), place.pki.path(wish.cert, "key")


def _json(wish: Wish, place: Place, role: str) -> str:
    cert, key = _files(wish, place)
    plain: dict[str, Any] = {
        "role": role,
        "host": place.host,
        "port": place.port,
        "version": wish.version,
        "cert": cert,
        "key": key,
        "ca": wish.ca and place.pki.path(wish.ca),
        "crl": place.pki.path("crls") if wish.crl else "",
        "ask": wish.ask,
        "name": wish.name,
        "lax": wish.lax,
        "suite": wish.suite and SUITES[wish.suite][0],
        "group": wish.group and GROUPS[wish.group][0],
        "alpn": wish.alpn,
        "strict": wish.strict,
        "times": wish.times,
        "keys": place.keys if role == "client" else "",
    }
    return json.dumps(plain)


# OpenSSL -------------------------------------------------------------------------------------


def _openssl_flags(wish: Wish, place: Place) -> list[str]:
    words = ["-tls" + wish.version.replace(".", "_")] if wish.version else []
    if wish.cert:
        words += ["-cert", place.pki.path(wish.cert), "-key", place.pki.path(wish.cert, "key")]
        if wish.chain != "pem" and Path(place.pki.path(wish.cert, "parts.pem")).stat().st_size:
            words += ["-cert_chain", place.pki.path(wish.cert, "parts.pem")]
    if wish.ca:
        words += ["-CAfile", place.pki.path(wish.ca), "-verify_return_error"]
    if wish.crl:
        words += ["-CRL", place.pki.path("intermediate", "crl.pem"), "-crl_check"]
    if wish.suite:
        words += ["-cipher", SUITES[wish.suite][0]]
    elif wish.cert in ("weak", "sha1"):
        words += ["-cipher", "ALL:@SECLEVEL=0"]
    if wish.group:
        words += ["-groups", GROUPS[wish.group][0]]
    if wish.alpn:
        words += ["-alpn", wish.alpn]
    return words


def openssl_server(wish: Wish, place: Place) -> Command:
    words = ["openssl", "s_server", "-accept", f"{place.host}:{place.port}", "-www"]
    if wish.ask:
        words += ["-Verify", "4"]
    if wish.strict:
        words += ["-servername", HOST, "-servername_fatal", "-cert2", place.pki.path(wish.cert)]
        words += ["-key2", place.pki.path(wish.cert, "key")]
    if wish.dh:
        parameters = place.pki.folder / "dh1024.pem"
        if not parameters.exists():
            _quiet(["openssl", "dhparam", "-out", str(parameters), "1024"])
        words += ["-dhparam", str(parameters)]
    return Command([*words, *_openssl_flags(wish, place), *wish.extra])


def openssl_client(wish: Wish, place: Place) -> Command:
    words = ["openssl", "s_client", "-connect", f"{place.host}:{place.port}", "-ign_eof"]
    if wish.via == "proxy":
        words[2:4] = ["-proxy", f"{place.host}:{place.port}", "-connect", f"{wish.name}:443"]
    elif wish.via:
        words += ["-starttls", "smtp"]
    words += ["-servername", wish.name] if wish.name else ["-noservername"]
    if wish.ca and wish.name:
        words += ["-verify_hostname", wish.name]
    words += ["-keylogfile", place.keys]
    if wish.ca and not wish.cert:
        words += ["-cipher", "DEFAULT:@SECLEVEL=2"] if not wish.suite else []
    if wish.times > 1:
        session = str(place.folder / "session.pem")
        again = " ".join([*words, *_openssl_flags(wish, place)])
        once = f"printf 'GET / HTTP/1.0\\r\\nHost: gateway.example\\r\\n\\r\\n' | {again}"
        return Command(["sh", "-c", f"{once} -sess_out {session}; {once} -sess_in {session}"])
    words += [*_openssl_flags(wish, place), *wish.extra]
    if wish.typed:
        words.remove("-ign_eof")
        typing = "; ".join(f"sleep 0.5; printf '{line}\\n'" for line in wish.typed)
        return Command(["sh", "-c", f"({typing}; sleep 1) | {' '.join(words)}"])
    return Command(words, GET)


def curl_client(wish: Wish, place: Place) -> Command | None:
    if wish.alpn or wish.times > 1:
        return None
    where = f"smtp://{wish.name}:443/" if wish.via == "mail" else f"https://{wish.name}/"
    words = ["curl", "-sS", "-i", "--http1.1", "--max-time", "5", where]
    words += ["--ssl-reqd"] if wish.via == "mail" else []
    words += ["--proxy", f"http://{place.host}:{place.port}"] if wish.via == "proxy" else []
    words += ["--resolve", f"{wish.name}:443:{place.host}"]
    if wish.version:
        words += [f"--tlsv{wish.version}", "--tls-max", wish.version]
    words += ["--insecure"] if wish.lax else ["--cacert", place.pki.path(wish.ca)]
    if wish.crl:
        words += ["--crlfile", place.pki.path("crls", "pem")]
    cert, key = _files(wish, place)
    words += ["--cert", cert, "--key", key] if cert else []
    words += ["--ciphers", SUITES[wish.suite][0]] if wish.suite else []
    words += ["--curves", GROUPS[wish.group][0]] if wish.group else []
    return Command(words, environment=(("SSLKEYLOGFILE", place.keys),))


# GnuTLS --------------------------------------------------------------------------------------


def _priority(wish: Wish) -> str:
    words = "NORMAL"
    if wish.version:
        words += f":-VERS-ALL:+VERS-TLS{wish.version}"
    if wish.suite:
        words += f":-CIPHER-ALL:+{SUITES[wish.suite][3]}"
    if wish.group:
        words += f":-GROUP-ALL:+{GROUPS[wish.group][3]}"
    return words


def _gnutls_flags(wish: Wish, place: Place) -> list[str]:
    cert, key = _files(wish, place)
    words = ["--port", str(place.port), "--priority", _priority(wish)]
    words += ["--x509certfile", cert, "--x509keyfile", key] if cert else []
    words += ["--x509cafile", place.pki.path(wish.ca)] if wish.ca else []
    words += ["--x509crlfile", place.pki.path("intermediate", "crl.pem")] if wish.crl else []
    return [*words, "--alpn", wish.alpn] if wish.alpn else words


def gnutls_server(wish: Wish, place: Place) -> Command | None:
    words = ["gnutls-serv", "--http", *_gnutls_flags(wish, place)]
    if wish.strict:
        words += ["--sni-hostname", HOST, "--sni-hostname-fatal"]
    words += ["--alpn-fatal"] if wish.alpn else []
    return Command(
        [*words, *(["-r", "--verify-client-cert"] if wish.ask else ["--disable-client-cert"])]
    )


def gnutls_client(wish: Wish, place: Place) -> Command | None:
    if wish.crl or wish.via == "proxy":  # it wants a CRL of every issuer, in one signed by each
        return None
    words = ["gnutls-cli", place.host, *_gnutls_flags(wish, place)]
    words += ["--sni-hostname", wish.name, "--verify-hostname", wish.name]
    words += ["--insecure"] if wish.lax else []
    words += ["--starttls-proto", "smtp"] if wish.via else []
    words += ["--resume"] if wish.times > 1 else []
    return Command(words, GET, (("SSLKEYLOGFILE", place.keys),))


# Peers of this folder ------------------------------------------------------------------------


def python_server(wish: Wish, place: Place) -> Command | None:
    if wish.alpn:
        return None
    return Command([sys.executable, str(PEERS / "peer.py"), _json(wish, place, "server")])


def python_client(wish: Wish, place: Place) -> Command:
    return Command([sys.executable, str(PEERS / "peer.py"), _json(wish, place, "client")])


def browser_client(wish: Wish, place: Place) -> Command | None:
    if wish.crl or wish.alpn or wish.suite or wish.group or wish.times > 1 or not wish.name:
        return None
    words = [sys.executable, str(PEERS / "browser.py"), _json(wish, place, "client")]
    return Command(words, environment=(("SSLKEYLOGFILE", place.keys),))


def node_server(wish: Wish, place: Place) -> Command:
    return Command(["node", str(PEERS / "peer.js"), _json(wish, place, "server")])


def node_client(wish: Wish, place: Place) -> Command | None:
    if wish.times > 1:
        return None
    return Command(["node", str(PEERS / "peer.js"), _json(wish, place, "client")])


def _go(wish: Wish, place: Place, role: str) -> Command:
    cert, key = _files(wish, place)
    words = [str(place.pki.folder / "peer"), "-role", role]
    words += ["-address", f"{place.host}:{place.port}", "-version", wish.version]
    words += ["-cert", cert, "-key", key] if cert else []
    words += ["-ca", place.pki.path(wish.ca)] if wish.ca else []
    words += ["-ask"] if wish.ask else []
    words += ["-lax"] if wish.lax else []
    words += ["-strict"] if wish.strict else []
    words += ["-suite", str(SUITES[wish.suite][1])] if wish.suite else []
    words += ["-group", str(GROUPS[wish.group][1])] if wish.group else []
    words += ["-alpn", wish.alpn] if wish.alpn else []
    if role == "client":
        words += ["-name", wish.name, "-keys", place.keys]
    return Command(words)


def go_server(wish: Wish, place: Place) -> Command | None:
    return None if wish.crl else _go(wish, place, "server")


def go_client(wish: Wish, place: Place) -> Command | None:
    return None if wish.crl or wish.times > 1 else _go(wish, place, "client")


def _java(wish: Wish, place: Place, role: str) -> Command:
    cert, key = _files(wish, place)
    wishes = {
        "role": role,
        "host": place.host,
        "port": str(place.port),
        "version": wish.version,
        "cert": cert,
        "key": key,
        "ca": wish.ca and place.pki.path(wish.ca),
        "ask": "yes" if wish.ask else "",
        "name": wish.name,
        "suite": wish.suite and SUITES[wish.suite][2],
        "alpn": wish.alpn,
        "strict": "yes" if wish.strict else "",
    }
    words = ["java", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
    if wish.group:
        words += [f"-Djdk.tls.namedGroups={GROUPS[wish.group][2]}"]
    words += ["-cp", str(place.pki.folder), "Peer", *(f"{k}={v}" for k, v in wishes.items() if v)]
    return Command(words)


def java_server(wish: Wish, place: Place) -> Command | None:
    return None if wish.crl else _java(wish, place, "server")


def java_client(wish: Wish, place: Place) -> Command | None:
    return None if wish.crl or wish.lax or wish.times > 1 else _java(wish, place, "client")


# NSS -----------------------------------------------------------------------------------------


def _database(place: Place, ca: str, cert: str) -> str:
    """Make an NSS database that trusts ``ca`` and holds ``cert``; kept for the next scenario."""
    folder = place.pki.folder / f"nss-{ca or 'none'}-{cert or 'none'}"
    if folder.exists():
        return str(folder)
    folder.mkdir()
    where = ["-d", f"sql:{folder}"]
    _quiet(["certutil", "-N", "--empty-password", *where])
    if ca:
        _quiet(["certutil", "-A", "-n", "ca", "-t", "CT,,", "-i", place.pki.path(ca), *where])
    if cert:
        _quiet(["pk12util", "-i", place.pki.path(cert, "p12"), "-W", PASSWORD, *where])
    return str(folder)


def _quiet(words: list[str]) -> None:
    subprocess.run(words, check=True, capture_output=True)


def nss_server(wish: Wish, place: Place) -> Command | None:
    if wish.crl or wish.alpn or wish.suite or wish.group or wish.strict or wish.chain == "pem":
        return None
    folder = _database(place, wish.ca, wish.cert)
    words = ["selfserv", "-d", f"sql:{folder}", "-n", wish.cert, "-p", str(place.port), "-H", "1"]
    words += ["-V", f"tls{wish.version}:tls{wish.version}"] if wish.version else []
    return Command([*words, *(["-r", "-r"] if wish.ask else []), "-v"])


def nss_client(wish: Wish, place: Place) -> Command | None:
    if wish.crl or wish.alpn or wish.suite or wish.group or wish.times > 1:
        return None
    folder = _database(place, wish.ca, wish.cert)
    words = ["tstclnt", "-d", f"sql:{folder}", "-h", place.host, "-p", str(place.port)]
    words += ["-a", wish.name, "-A", str(place.pki.folder / "request")]
    words += ["-V", f"tls{wish.version}:tls{wish.version}"] if wish.version else []
    words += ["-n", wish.cert] if wish.cert else []
    words += ["-o"] if wish.lax else []
    return Command([*words, "-v"], environment=(("SSLKEYLOGFILE", place.keys),))


# Servers with a configuration file -----------------------------------------------------------


def nginx_server(wish: Wish, place: Place) -> Command | None:
    if wish.alpn:
        return None
    cert, key = _files(wish, place)
    lines = [
        f"listen {place.host}:{place.port} ssl;",
        f"server_name {HOST};",
        f"ssl_certificate {cert};",
        f"ssl_certificate_key {key};",
        f"ssl_protocols TLSv{wish.version};" if wish.version else "ssl_protocols TLSv1.2 TLSv1.3;",
        'return 200 "hello\\n";',
    ]
    if wish.ask:
        lines += [f"ssl_client_certificate {place.pki.path(wish.ca)};", "ssl_verify_client on;"]
        lines += ["ssl_verify_depth 4;"]
        if wish.crl:
            lines.append(f"ssl_crl {place.pki.path('crls')};")
    if wish.suite:
        lines.append(f"ssl_ciphers {SUITES[wish.suite][0]};")
    if wish.group:
        lines.append(f"ssl_ecdh_curve {GROUPS[wish.group][2].replace('x25519', 'X25519')};")
    strict = ""
    if wish.strict:
        strict = (
            f"server {{ listen {place.host}:{place.port} ssl default_server;"
            " ssl_reject_handshake on; ssl_protocols TLSv1.2 TLSv1.3; }"
        )
    temporary = " ".join(
        f"{kind}_temp_path {place.folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = (
        f"user root; daemon off; master_process off; pid {place.folder}/nginx.pid;\n"
        "error_log stderr info;\nevents {}\n"
        f"http {{ access_log /dev/stdout; {temporary} {strict}\n"
        f"server {{ {' '.join(lines)} }} }}\n"
    )
    conf = place.folder / "nginx.conf"
    conf.write_text(text)
    return Command(["nginx", "-c", str(conf), "-p", str(place.folder)])


def haproxy_server(wish: Wish, place: Place) -> Command | None:
    kind = "all.pem" if wish.chain != "pem" else "alone.pem"
    bind = f"bind {place.host}:{place.port} ssl crt {place.pki.path(wish.cert, kind)}"
    if wish.version:
        bind += f" ssl-min-ver TLSv{wish.version} ssl-max-ver TLSv{wish.version}"
    if wish.ask:
        bind += f" verify required ca-file {place.pki.path(wish.ca)}"
    if wish.ask and wish.crl:
        bind += f" crl-file {place.pki.path('crls')}"
    bind += f" ciphers {SUITES[wish.suite][0]}" if wish.suite else ""
    bind += f" curves {GROUPS[wish.group][0]}" if wish.group else ""
    bind += " strict-sni" if wish.strict else ""
    bind += f" alpn {wish.alpn}" if wish.alpn else ""
    text = (
        "global\n log stdout format raw local0 debug\n"
        "defaults\n mode http\n log global\n timeout client 4s\n timeout http-request 4s\n"
        f"frontend tls\n {bind}\n"
        ' http-request return status 200 content-type text/plain string "hello"\n'
    )
    conf = place.folder / "haproxy.cfg"
    conf.write_text(text)
    return Command(["haproxy", "-db", "-f", str(conf)])


def apache_server(wish: Wish, place: Place) -> Command | None:
    if wish.alpn or (wish.strict and not wish.cert):
        return None
    cert, key = _files(wish, place)
    modules = "\n".join(
        f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
        for name in ("mpm_event", "authz_core", "dir", "socache_shmcb", "ssl")
    )
    lines = [
        modules,
        f"ServerRoot {place.folder}\nPidFile {place.folder}/apache.pid\nServerName {HOST}",
        f"Listen {place.host}:{place.port}\nErrorLog /dev/stderr\nLogLevel info",
        f"DocumentRoot {place.pki.folder}/site\nSSLEngine on\nMutex file:{place.folder}",
        f"SSLCertificateFile {cert}\nSSLCertificateKeyFile {key}",
    ]
    if wish.version:
        lines.append(f"SSLProtocol -all +TLSv{wish.version}")
    if wish.ask:
        lines.append(f"SSLVerifyClient require\nSSLCACertificateFile {place.pki.path(wish.ca)}")
        lines.append("SSLVerifyDepth 4")
    if wish.ask and wish.crl:
        lines.append(f"SSLCARevocationFile {place.pki.path('crls')}\nSSLCARevocationCheck leaf")
    if wish.suite:
        lines.append(f"SSLCipherSuite {SUITES[wish.suite][0]}")
    if wish.group:
        lines.append(f"SSLOpenSSLConfCmd Groups {GROUPS[wish.group][0]}")
    if wish.strict:
        return None
    conf = place.folder / "apache.conf"
    conf.write_text("\n".join(lines) + "\n")
    return Command(["apache2", "-f", str(conf), "-DFOREGROUND"])


def stunnel_server(wish: Wish, place: Place) -> Command | None:
    if wish.alpn or wish.crl:
        return None
    cert, key = _files(wish, place)
    answer = (
        r"""while read -r line && [ ${#line} -gt 1 ]; do :; done; """
        r"""printf 'HTTP/1.0 200 OK\r\n\r\nhello\n'"""
    )
    (place.folder / "answer.sh").write_text(answer + "\n")
    lines = [
        "foreground = yes\npid =\ndebug = 6\nsyslog = no\n[tls]",
        f"accept = {place.host}:{place.port}\ncert = {cert}\nkey = {key}",
        f"exec = /bin/sh\nexecArgs = sh {place.folder}/answer.sh",
    ]
    if wish.version:
        lines.append(f"sslVersion = TLSv{wish.version}")
    if wish.ask:
        lines.append(f"CAfile = {place.pki.path(wish.ca)}\nverifyChain = yes\nrequireCert = yes")
    if wish.suite:
        lines.append(f"ciphers = {SUITES[wish.suite][0]}")
    if wish.group:
        lines.append(f"curves = {GROUPS[wish.group][0]}")
    if wish.strict:
        return None
    conf = place.folder / "stunnel.conf"
    conf.write_text("\n".join(lines) + "\n")
    return Command(["stunnel4", str(conf)])


# Peers without TLS ---------------------------------------------------------------------------


def plain(role: str, kind: str) -> Driver:
    """A driver of peers/plain.py."""

    def driver(_: Wish, place: Place) -> Command:
        where = [place.host, str(place.port)]
        return Command([sys.executable, str(PEERS / "plain.py"), role, kind, *where])

    return driver


PLAIN = ("http", "ssh", "smtp", "slam", "swallow", "reset", "mute")
BEFORE_TLS = (
    *("proxy_refuses", "proxy_asks", "proxy_hangs"),
    *("mail_refuses", "mail_plain", "mail_hangs"),
)
SERVERS: dict[str, Driver] = {
    "openssl": openssl_server,
    "gnutls": gnutls_server,
    "python": python_server,
    "go": go_server,
    "java": java_server,
    "node": node_server,
    "nss": nss_server,
    "nginx": nginx_server,
    "haproxy": haproxy_server,
    "apache": apache_server,
    "stunnel": stunnel_server,
    **{f"plain_{kind}": plain("server", kind) for kind in (*PLAIN, *BEFORE_TLS)},
}
CLIENTS: dict[str, Driver] = {
    "openssl": openssl_client,
    "curl": curl_client,
    "python": python_client,
    "gnutls": gnutls_client,
    "go": go_client,
    "java": java_client,
    "node": node_client,
    "nss": nss_client,
    "boringssl": browser_client,
    **{f"plain_{kind}": plain("client", kind) for kind in PLAIN},
}
NEEDS = {
    "openssl": "openssl",
    "curl": "curl",
    "gnutls": "gnutls-cli",
    "go": "go",
    "java": "javac",
    "node": "node",
    "nss": "tstclnt",
    "nginx": "nginx",
    "haproxy": "haproxy",
    "apache": "apache2",
    "stunnel": "stunnel4",
}


def present(stack: str) -> bool:
    """Whether the stack's programs are installed here."""
    if stack == "boringssl":
        return importlib.util.find_spec("curl_cffi") is not None
    return stack not in NEEDS or shutil.which(NEEDS[stack]) is not None


def build(folder: Path) -> None:
    """Compile the peers that need it, and write what programs want to find."""
    if present("go"):
        _quiet(["go", "build", "-o", str(folder / "peer"), str(PEERS / "peer.go")])
    if present("java"):
        _quiet(["javac", "-d", str(folder), str(PEERS / "Peer.java")])
    (folder / "request").write_bytes(GET)
    (folder / "site").mkdir()
    (folder / "site" / "index.html").write_text("hello\n")
