"""Reports made by hand, so that renderers are tested without a capture."""

from __future__ import annotations

from typing import Any, Literal

from analyzer.report.schema import (
    Alert,
    Alternative,
    Capture,
    Certificates,
    ClientOffers,
    Connection,
    Endpoint,
    Evidence,
    Finding,
    Group,
    Handshake,
    LastMessage,
    Message,
    Report,
    Resumption,
    ServerChoice,
    Summary,
    Tcp,
    Tls,
    Tool,
)

CLIENT, SERVER = "10.1.1.5", "10.2.2.2"
_MESSAGES: tuple[tuple[str, Literal["client", "server"], int], ...] = (
    ("client_hello", "client", 4),
    ("server_hello", "server", 6),
    ("certificate", "server", 6),
    ("server_hello_done", "server", 6),
    ("alert", "client", 8),
)


def at(seconds: float) -> str:
    return f"2026-03-01T14:03:{seconds:09.6f}Z"


def finding(**changed: Any) -> Finding:
    """The client does not trust the server's issuer."""
    fields: dict[str, Any] = {
        "rule": "TLS-CERT-010",
        "cause": "untrusted_ca",
        "phase": "server_certificate",
        "failing_side": "client",
        "remedy_side": "client",
        "confidence": "seen",
        "title": f"{CLIENT} does not trust CN=Corp Issuing CA, which issued the certificate "
        f"of api.example.com ({SERVER}:443)",
        "explanation": "The client ended the handshake right after the server's certificate with "
        "the alert that says that it knows no authority that vouches for it.",
        "evidence": (
            Evidence(frame=6, text="server sent its certificate, issued by CN=Corp Issuing CA"),
            Evidence(frame=8, text="client sent fatal alert unknown_ca (48)"),
        ),
        "remedy": (
            "Import the certificate of CN=Corp Root into the trust store of the client.",
            "Check that the client uses that trust store.",
        ),
        "alternatives": (
            Alternative(cause="incomplete_chain", would_decide="the client's trust store"),
        ),
        "references": ("RFC 5246 section 7.2.2",),
    }
    return Finding(**(fields | changed))


def offers() -> ClientOffers:
    return ClientOffers(
        frame=4,
        versions=("TLSv1.3", "TLSv1.2"),
        cipher_suites=("TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        groups=("x25519", "secp256r1"),
        key_shares=("x25519",),
        signature_algorithms=("rsa_pss_rsae_sha256",),
        alpn=("h2", "http/1.1"),
        sni="api.example.com",
        extensions=("server_name", "supported_groups"),
        resumption=Resumption(session_id=False, session_ticket=True, psk=False),
        early_data=False,
        fallback_scsv=False,
        secure_renegotiation=True,
        extended_master_secret=True,
        grease=False,
        hellos=1,
        ech=None,
    )


def choice() -> ServerChoice:
    return ServerChoice(
        frame=6,
        version="TLSv1.2",
        cipher_suite="TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        group="secp256r1",
        alpn="h2",
        extensions=("renegotiation_info",),
        hello_retry_group=None,
        signature_algorithm=None,
        dh_bits=None,
        secure_renegotiation=True,
        extended_master_secret=False,
    )


def connection(stream: int = 0, **changed: Any) -> Connection:
    """A connection that failed as :func:`finding` says."""
    messages = tuple(
        Message(
            name=name,
            sender=sender,
            frame=frame,
            time=at(frame / 100),
            length=100,
            inferred=False,
        )
        for name, sender, frame in _MESSAGES
    )
    fields: dict[str, Any] = {
        "stream": stream,
        "transport": "tcp",
        "detail": "full",
        "client": Endpoint(ip=CLIENT, port=51234 + stream),
        "server": Endpoint(ip=SERVER, port=443),
        "start": at(0.01),
        "end": at(0.09),
        "outcome": "failed",
        "diagnosis": finding(),
        "findings": (),
        "tls": Tls(
            version="TLSv1.2",
            cipher_suite="TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            group="secp256r1",
            sni="api.example.com",
            alpn="h2",
            resumed=False,
            client_offers=offers(),
            server_choice=choice(),
            certificate_request=None,
            renegotiations=0,
            ja3=None,
            ja3s=None,
            ja4=None,
            client_stack=None,
            server_stack=None,
        ),
        "handshake": Handshake(
            signature="CsxnL",
            completed=False,
            last_message=LastMessage(name="server_hello_done", sender="server", frame=6),
            messages=messages,
            alerts=(
                Alert(
                    sender="client",
                    level="fatal",
                    description="unknown_ca",
                    code=48,
                    frame=8,
                    time=at(0.08),
                    visible=True,
                ),
            ),
            prelude=None,
        ),
        "certificates": Certificates(
            server=(), client=(), server_chain=None, client_chain=None, vouchers=None
        ),
        "tcp": Tcp(
            syns=1,
            syn_frame=1,
            syn_ack_frame=2,
            end="fin",
            end_by="client",
            end_frame=9,
            end_time=at(0.09),
            rtt=0.0123,
            retransmissions=0,
            missing_bytes=0,
            client_packets=5,
            server_packets=4,
            client_bytes=300,
            server_bytes=3000,
        ),
        "objects": None,
        "log": None,
        "caveats": (),
    }
    return Connection(**(fields | changed))


def good(stream: int = 1) -> Connection:
    return connection(stream, outcome="established", diagnosis=None)


def group(**changed: Any) -> Group:
    fields: dict[str, Any] = {
        "cause": "untrusted_ca",
        "rule": "TLS-CERT-010",
        "title": finding().title,
        "count": 1,
        "clients": (CLIENT,),
        "clients_total": 1,
        "servers": (f"{SERVER}:443",),
        "servers_total": 1,
        "sni": ("api.example.com",),
        "sni_total": 1,
        "first": at(0.01),
        "last": at(0.01),
        "example_stream": 0,
    }
    return Group(**(fields | changed))


def report(*connections: Connection, groups: tuple[Group, ...] = ()) -> Report:
    outcomes = [c.outcome for c in connections]
    return Report(
        schema_version=1,
        tool=Tool(name="handshake-analyzer", version="0"),
        captures=(
            Capture(
                path="trace.pcap",
                format="pcap",
                compression=None,
                link_types=("EN10MB",),
                packets=9,
                bytes=4000,
                first_packet=at(0.01),
                last_packet=at(0.09),
                caveats=(),
            ),
        ),
        summary=Summary(
            connections=len(outcomes),
            established=outcomes.count("established"),
            failed=outcomes.count("failed"),
            incomplete=outcomes.count("incomplete"),
            not_tls=outcomes.count("not_tls"),
        ),
        groups=groups,
        connections=connections,
    )


def failing() -> Report:
    """One failure beside two connections that went well."""
    return report(connection(), good(1), good(2), groups=(group(),))
