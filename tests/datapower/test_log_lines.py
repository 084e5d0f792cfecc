"""Lines of logs as they are quoted in public, field by field."""

from __future__ import annotations

import datetime as dt

import pytest

from analyzer.datapower.log.codes import (
    Kind,
    ends_of,
    kind_of,
    label_of,
    listener_of,
    target_of,
    verdict_of,
)
from analyzer.datapower.log.load import read_log_bytes
from analyzer.datapower.log.reasons import decode_reason, reason_of
from analyzer.tls.loglines import LogLine, Refuser, Severity


def one(text: str) -> LogLine:
    (line,) = read_log_bytes(text.encode(), "log").lines
    return line


def at(text: str) -> int:
    """ISO 8601 as ns since the epoch."""
    moment = dt.datetime.fromisoformat(text)
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 1_000_000_000 + moment.microsecond * 1000


E, N = Severity.ERROR, Severity.NOTICE
# (the line; time, domain, code, category, severity, class, name, tid, gtid, client, text)
QUOTED: list[tuple[str, tuple[object, ...]]] = [
    (
        (
            "20180815T125545.977Z [apiconnect][0x8120002f][ssl][error] ssl-sni-server(cmc-webapi-sslsvr-apifsh): "
            "tid(17856)[192.168.99.1]: SSL library error: error:1407609C:SSL routines:SSL23_GET_CLIENT_HELLO:http request"
        ),
        (
            *("2018-08-15T12:55:45.977Z", "apiconnect", 0x8120002F, "ssl", E),
            *("ssl-sni-server", "cmc-webapi-sslsvr-apifsh", 17856, None, "192.168.99.1"),
            "SSL library error: error:1407609C:SSL routines:SSL23_GET_CLIENT_HELLO:http request",
        ),
    ),
    (
        (
            "20180815T125545.977Z [apiconnect][0x80e00130][mpgw][error] source-https(webapi-https): "
            "tid(17856)[192.168.99.1]: could not establish SSL for incoming connection"
        ),
        (
            *("2018-08-15T12:55:45.977Z", "apiconnect", 0x80E00130, "mpgw", E),
            *("source-https", "webapi-https", 17856, None, "192.168.99.1"),
            "could not establish SSL for incoming connection",
        ),
    ),
    (
        (
            "20180815T125549.030Z [apiconnect][0x8120002f][ssl][error] ssl-sni-server(cmc-webapi-sslsvr-apifsh): "
            "tid(17904)[192.168.99.1]: SSL library error: error:140780E5:SSL routines:ssl23_read:ssl handshake failure"
        ),
        (
            *("2018-08-15T12:55:49.030Z", "apiconnect", 0x8120002F, "ssl", E),
            *("ssl-sni-server", "cmc-webapi-sslsvr-apifsh", 17904, None, "192.168.99.1"),
            "SSL library error: error:140780E5:SSL routines:ssl23_read:ssl handshake failure",
        ),
    ),
    (
        "20180815T125549.031Z [apiconnect][0x80e00161][mpgw][e...",
        (
            *("2018-08-15T12:55:49.031Z", "apiconnect", 0x80E00161, "mpgw", None),
            *(None, None, None, None, None, ""),
        ),
    ),
    (
        (
            "datapower | 20161202T183348.225Z [APIMgmt_848CDBBB62][0x80e00126][mpgw][error] mpgw(webapi-internal): "
            "tid(2097) gtid(2097): Valid backside connection could not be established: Failed to establish a "
            "backside connection, url: https://analytics-lb/x2020/v1/events/logevent"
        ),
        (
            *("2016-12-02T18:33:48.225Z", "APIMgmt_848CDBBB62", 0x80E00126, "mpgw", E),
            *("mpgw", "webapi-internal", 2097, "2097", None),
            (
                "Valid backside connection could not be established: Failed to establish a backside connection, "
                "url: https://analytics-lb/x2020/v1/events/logevent"
            ),
        ),
    ),
    (
        (
            "datapower_1   | 20161108T180039.224Z [foo][0x00350016][mgmt][notice] source-https(https-fsph-foo): "
            "tid(111): Service installed on port"
        ),
        (
            *("2016-11-08T18:00:39.224Z", "foo", 0x00350016, "mgmt", N),
            *("source-https", "https-fsph-foo", 111, None, None, "Service installed on port"),
        ),
    ),
    (
        (
            "20200505T203853.820Z [0x00330091][mgmt][error] source-https(httpshandler1): tid(111): "
            "A SSL proxy profile is not configured correctly for this service."
        ),
        (
            *("2020-05-05T20:38:53.820Z", None, 0x00330091, "mgmt", E),
            *("source-https", "httpshandler1", 111, None, None),
            "A SSL proxy profile is not configured correctly for this service.",
        ),
    ),
    (
        (
            "20200505T203853.820Z [0x00330091][cli][error] source-https(httpshandler1): "
            "A SSL proxy profile is not configured correctly for this service."
        ),
        (
            *("2020-05-05T20:38:53.820Z", None, 0x00330091, "cli", E),
            *("source-https", "httpshandler1", None, None, None),
            "A SSL proxy profile is not configured correctly for this service.",
        ),
    ),
    (
        "20200505T203852.809Z [0x8100006e][system][notice] : Executing startup configuration.",
        (
            *("2020-05-05T20:38:52.809Z", None, 0x8100006E, "system", N),
            *(None, None, None, None, None, "Executing startup configuration."),
        ),
    ),
    (
        '20200505T203854.150Z [domains-by-chase][0x8100021f][cli][error] : tid(28111): *** Unknown test "parse-settings"',
        (
            *("2020-05-05T20:38:54.150Z", "domains-by-chase", 0x8100021F, "cli", E),
            *(None, None, 28111, None, None, '*** Unknown test "parse-settings"'),
        ),
    ),
    (
        (
            "20200505T203852.703Z [0x806000dd][system][notice] cert-monitor(Certificate Monitor): tid(415): "
            "Enabling Certificate Monitor to scan once every 1 days for soon to expire certificates"
        ),
        (
            *("2020-05-05T20:38:52.703Z", None, 0x806000DD, "system", N),
            *("cert-monitor", "Certificate Monitor", 415, None, None),
            "Enabling Certificate Monitor to scan once every 1 days for soon to expire certificates",
        ),
    ),
    (
        (
            "20200505T203854.010Z [domains-by-chase][0x8040006b][system][notice] logging target(default-log): "
            "tid(111): Logging started."
        ),
        (
            *("2020-05-05T20:38:54.010Z", "domains-by-chase", 0x8040006B, "system", N),
            *("logging target", "default-log", 111, None, None, "Logging started."),
        ),
    ),
    (
        "Wed Apr 07 2010 08:36:09 [mpgw][error] mpgw(test): tid(2899): Network Error on Back interface",
        (
            *("2010-04-07T08:36:09Z", None, None, "mpgw", E),
            *("mpgw", "test", 2899, None, None, "Network Error on Back interface"),
        ),
    ),
    (
        (
            "[0x8120002f][ssl][error] ssl-server(webgui-ssl): SSL library error: error:14094416:SSL\n"
            "    routines:ssl3_read_bytes:sslv3 alert certificate unknown"
        ),
        (
            *(None, None, 0x8120002F, "ssl", E, "ssl-server", "webgui-ssl", None, None, None),
            "SSL library error: error:14094416:SSL routines:ssl3_read_bytes:sslv3 alert certificate unknown",
        ),
    ),
    (
        "[0x81200025][ssl][error] ssl-server(x): SSL peer did not send a certificate during the handshake",
        (
            *(None, None, 0x81200025, "ssl", E, "ssl-server", "x", None, None, None),
            "SSL peer did not send a certificate during the handshake",
        ),
    ),
    (
        (
            "[0x80e00531][xmlfirewall][debug] xmlfirewall(fw): tid(7)[192.168.1.46]: Starting termination of "
            "connection 192.168.1.46:49218 192.168.1.10:9195"
        ),
        (
            *(None, None, 0x80E00531, "xmlfirewall", Severity.DEBUG, "xmlfirewall", "fw", 7, None),
            "192.168.1.46",
            "Starting termination of connection 192.168.1.46:49218 192.168.1.10:9195",
        ),
    ),
    (
        (
            "<log-entry serial='1467' domain='bca_icas_soa'>\n<date>Fri Sep 21 2023</date>"
            "<time utc='1380295304719'>11:21:44</time><date-time>2012-09-21T11:21:44</date-time>\n"
            "<type>xmlfirewall</type><class>xmlfirewall</class><object>example-Firewall</object>"
            "<level num='3'>error</level>\n<transaction-type>error</transaction-type>"
            "<transaction>6187</transaction><client>127.0.0.1</client>\n<code>0x01130007</code><file></file>"
            "<message>Failed to establish backend connection</message></log-entry>"
        ),
        (
            *("2013-09-27T15:21:44.719Z", "bca_icas_soa", 0x01130007, "xmlfirewall", E),
            *("xmlfirewall", "example-Firewall", 6187, None, "127.0.0.1"),
            "Failed to establish backend connection",
        ),
    ),
    (
        '1,20160301T101010Z,mydomain,ssl,error,,,1234,5678,10.0.0.1,0x806000c6,,,"shutdown error, no read/write info"',
        (
            *("2016-03-01T10:10:10Z", "mydomain", 0x806000C6, "ssl", E),
            *(None, None, 1234, "5678", "10.0.0.1", "shutdown error, no read/write info"),
        ),
    ),
    (
        '1,20160301T101010Z,default,crypto,alert,,,9,,,0x8060010d,,,"crypto accelerator not detected; contact support"',
        (
            *("2016-03-01T10:10:10Z", "default", 0x8060010D, "crypto", Severity.ALERT),
            *(None, None, 9, None, None, "crypto accelerator not detected; contact support"),
        ),
    ),
    (
        '1,20160301T101010Z,dom,network,warn,source-https,in,9,10.0.0.1,0x80e00130,,,"not known"',
        (
            *("2016-03-01T10:10:10Z", "dom", 0x80E00130, "network", Severity.WARN),
            *("source-https", "in", 9, None, "10.0.0.1", "not known"),
        ),
    ),
]


@pytest.mark.parametrize(("text", "expected"), QUOTED, ids=[text[:48] for text, _ in QUOTED])
def test_a_quoted_line_is_read_field_by_field(text: str, expected: tuple[object, ...]) -> None:
    line = one(text)
    time, *rest = expected

    assert line.time == (None if time is None else at(str(time)))
    assert rest == [
        *(line.domain, line.code, line.category, line.severity, line.kind, line.name),
        *(line.transaction, line.global_transaction, line.client, line.text),
    ]


@pytest.mark.parametrize(
    ("shape", "direction", "client"),
    [
        ("{ts} [0x80000001][mpgw][info] : tid(1): text", None, None),
        ("{ts} [0x80000001][mpgw][info] mpgw(x): tid(1)[10.0.0.1]: text", None, "10.0.0.1"),
        ("{ts} [dom][mpgw][info] mpgw(x): tid(1)[request]: text", "request", None),
        ("{ts} [mpgw][info] mpgw(x): tid(1)[response][10.0.0.1]: text", "response", "10.0.0.1"),
        ("{ts} [0x80000001][mpgw][info] mpgw(x): tid(1)[::1] gtid(99): text", None, "::1"),
        ("{ts} [dom][0x80000001][mpgw][info] mpgw(x): tid(1)[error][10.0.0.1]: text", "error", "10.0.0.1"),
        ("{ts} [dom][0x80000001][mpgw][info] mpgw(x): tid(1)[request][10.0.0.1] gtid(a9f): text", "request", "10.0.0.1"),
        ("{ts} [dom][0x80000001][mpgw][info] mpgw(x): tid(1) gtid(99)[10.0.0.1]: text", None, "10.0.0.1"),
    ],
)  # fmt: skip
def test_every_variant_of_the_makers_own_patterns_is_read(
    shape: str, direction: str | None, client: str | None
) -> None:
    line = one(shape.format(ts="20180815T125545.977Z"))

    assert (line.text, line.transaction) == ("text", 1)
    assert (line.direction, line.client) == (direction, client)
    assert line.category == "mpgw"
    assert line.domain == ("dom" if "[dom]" in shape else None)


# Strings of OpenSSL as logs quote them: library, function, reason, alert, who refused.
GATEWAY, PEER, NOBODY = Refuser.GATEWAY, Refuser.PEER, Refuser.NOBODY
REASONS = [
    ("1407609C:SSL routines:SSL23_GET_CLIENT_HELLO:http request", 156, None, GATEWAY),
    ("1407609B:SSL routines:SSL23_GET_CLIENT_HELLO:https proxy request", 155, None, GATEWAY),
    ("140760FC:SSL routines:SSL23_GET_CLIENT_HELLO:unknown protocol", 252, None, GATEWAY),
    ("1408A10B:SSL routines:ssl3_get_client_hello:wrong version number", 267, None, GATEWAY),
    ("1409442E:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version", 1070, 70, PEER),
    ("1408A0C1:SSL routines:ssl3_get_client_hello:no shared cipher", 193, None, GATEWAY),
    ("140890C7:SSL routines:ssl3_get_client_certificate:peer did not return a certificate", 199, None, GATEWAY),
    ("14089086:SSL routines:ssl3_get_client_certificate:certificate verify failed", 134, None, GATEWAY),
    ("14090086:SSL routines:ssl3_get_server_certificate:certificate verify failed", 134, None, GATEWAY),
    ("14094410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure", 1040, 40, PEER),
    ("14094412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate", 1042, 42, PEER),
    ("14094413:SSL routines:ssl3_read_bytes:sslv3 alert unsupported certificate", 1043, 43, PEER),
    ("14094414:SSL routines:ssl3_read_bytes:sslv3 alert certificate revoked", 1044, 44, PEER),
    ("14094415:SSL routines:ssl3_read_bytes:sslv3 alert certificate expired", 1045, 45, PEER),
    ("14094416:SSL routines:ssl3_read_bytes:sslv3 alert certificate unknown", 1046, 46, PEER),
    ("14094418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca", 1048, 48, PEER),
    ("1409441B:SSL routines:ssl3_read_bytes:tlsv1 alert decrypt error", 1051, 51, PEER),
    ("14094438:SSL routines:ssl3_read_bytes:tlsv1 alert internal error", 1080, 80, PEER),
    ("140940E5:SSL routines:ssl3_read_bytes:ssl handshake failure", 229, None, NOBODY),
    ("140780E5:SSL routines:ssl23_read:ssl handshake failure", 229, None, NOBODY),
    ("1407E0E5:SSL routines:ssl23_write:ssl handshake failure", 229, None, NOBODY),
    ("140790E5:SSL routines:ssl23_write:ssl handshake failure", 229, None, NOBODY),
    ("14077410:SSL routines:SSL23_GET_SERVER_HELLO:sslv3 alert handshake failure", 1040, 40, PEER),
    ("1407742E:SSL routines:SSL23_GET_SERVER_HELLO:tlsv1 alert protocol version", 1070, 70, PEER),
    ("140770FC:SSL routines:SSL23_GET_SERVER_HELLO:unknown protocol", 252, None, GATEWAY),
    ("1416F086:SSL routines:tls_process_server_certificate:certificate verify failed", 134, None, GATEWAY),
    ("14094458:SSL routines:ssl3_read_bytes:tlsv1 unrecognized name", 1112, 112, PEER),
    ("141A318A:SSL routines:tls_process_ske_dhe:dh key too small", 394, None, GATEWAY),
    ("0A000086:SSL routines::certificate verify failed", 134, None, GATEWAY),
    ("0A000126:SSL routines::unexpected eof while reading", 294, None, NOBODY),
    ("0A0000C1:SSL routines::no shared cipher", 193, None, GATEWAY),
    ("0A000102:SSL routines::unsupported protocol", 258, None, GATEWAY),
    ("0A000410:SSL routines::sslv3 alert handshake failure", 1040, 40, PEER),
    ("0A00042E:SSL routines::tlsv1 alert protocol version", 1070, 70, PEER),
    ("0A000418:SSL routines::tlsv1 alert unknown ca", 1048, 48, PEER),
    ("0A000152:SSL routines::unsafe legacy renegotiation disabled", 338, None, GATEWAY),
    ("0A00018A:SSL routines::dh key too small", 394, None, GATEWAY),
]  # fmt: skip


@pytest.mark.parametrize(("text", "number", "alert", "refuser"), REASONS)
def test_an_error_of_openssl_says_who_refused(
    text: str, number: int, alert: int | None, refuser: Refuser
) -> None:
    found = decode_reason(f"SSL library error: error:{text}")

    assert found is not None
    assert (found.library, found.reason, found.alert, found.refuser) == (20, number, alert, refuser)
    assert found.text == text.rpartition(":")[2]


def test_errors_of_both_eras_have_the_same_reason() -> None:
    old = decode_reason("error:14094418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca")
    new = decode_reason("error:0A000418:SSL routines::tlsv1 alert unknown ca")

    assert old is not None
    assert new is not None
    assert (old.reason, old.alert) == (new.reason, new.alert)
    assert (old.function, new.function) == (0x094, None)


def test_other_libraries_and_texts_without_errors_are_told_apart() -> None:
    other = decode_reason(
        "error:0B080074:x509 certificate routines:X509_check_private_key:key values mismatch"
    )

    assert other is not None
    assert (other.library, other.reason, other.refuser) == (11, 116, Refuser.GATEWAY)
    assert decode_reason("all is well") is None
    assert reason_of(LogLine(text="error:zz")) is None


def test_reasons_of_openssl_3_have_more_bits() -> None:
    found = decode_reason("error:0A012345:SSL routines::something new")

    assert found is not None
    assert (found.reason, found.alert, found.text) == (0x12345, None, "something new")


@pytest.mark.parametrize(
    "text",
    [
        '1,20160301T101010Z,dom,0x806000c6,,,"the code where none can be"',
        '1,20160301T101010Z,dom,ssl,error,a,b,c,d,e,f,0x806000c6,,,"the code too far back"',
        '1,20160301T101010Z,dom,ssl,error,,,1,,,,,"no code"',
    ],
)
def test_columns_that_do_not_count_are_no_entry(text: str) -> None:
    good = '1,20160301T101010Z,dom,ssl,error,,,9,,0x8060010d,,,"good"'

    assert [line.text for line in read_log_bytes(f"{text}\n{good}\n".encode(), "log").lines] == [
        "good"
    ]


# Messages with known codes: what they are evidence of.
@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (0x8120002F, "SSL library error: error:…", Kind.LIBRARY),
        (0x81200025, "SSL peer did not send a certificate during the handshake", Kind.COMPANION),
        (0x81200026, "SSL handshake certificate validation error with validation credentials V: x", Kind.INVALID),
        (0x8060010A, "certificate validation failed for 'DN' against 'V': x", Kind.INVALID),
        (0x8060010B, "certificate validation succeeded for 'DN' against 'V'", Kind.VALID),
        (0x80E00130, "could not establish SSL for incoming connection", Kind.FRONT),
        (0x80E00161, "", Kind.FRONT),
        (0x80E00127, "Network Error on Back interface", Kind.BACK),
        (None, "Network Error on Back interface", Kind.BACK),
        (0x01130011, "Failed to process response headers", Kind.SPOKE_PLAIN),
        (0x80E00531, "Starting termination of connection 1.2.3.4:5 6.7.8.9:10", Kind.ENDED),
        (0x80E0052E, "Starting SSL termination of connection 1.2.3.4:5 6.7.8.9:10", Kind.ENDED_TLS),
        (0x00350014, "Operational state up", Kind.UP),
        (0x00350014, "Operational state down", Kind.DOWN),
        (0x00350015, "Operational state down", Kind.DOWN),
        (0x8060016B, "Runtime error detected in crypto engine (code: 4, count: 2)", Kind.HARDWARE),
        (0x806000C6, "shutdown error, no read/write info", Kind.SHUTDOWN),
        (0x80E0012C, "a text that nobody knows", Kind.OTHER),
    ],
)  # fmt: skip
def test_a_message_is_known_by_its_code_else_by_its_text(
    code: int | None, text: str, kind: Kind
) -> None:
    line = LogLine(text=text, code=code)

    assert kind_of(line) is kind
    assert line.text == text


def test_what_messages_name_is_found_in_them() -> None:
    ends = LogLine(
        text="Starting SSL termination of connection 192.168.1.46:49218 192.168.1.10:9195"
    )
    sixes = LogLine(text="Starting termination of connection [2001:db8::1]:49218 2001:db8::2:9195")
    failed = LogLine(
        text="certificate validation failed for '/C=CA/CN=a b' against 'V1': certificate has expired"
    )
    refused = LogLine(
        text="SSL handshake certificate validation error with validation credentials V2: certificate not trusted"
    )
    target = LogLine(text="a backside connection, url: https://analytics-lb/x2020/v1")
    port = LogLine(
        text="Request to activate gateway on 0.0.0.0:443 failed. The conflicting registration is owned by X in domain Y."
    )

    assert ends_of(ends) == (("192.168.1.46", 49218), ("192.168.1.10", 9195))
    assert ends_of(sixes) == (("2001:db8::1", 49218), ("2001:db8::2", 9195))
    assert verdict_of(failed) == ("V1", "certificate has expired", "/C=CA/CN=a b")
    assert verdict_of(refused) == ("V2", "certificate not trusted", "")
    assert target_of(target) == ("https", "analytics-lb", 443)
    assert listener_of(port) == ("0.0.0.0", 443)
    assert ends_of(failed) is None
    assert verdict_of(ends) is None
    assert target_of(ends) is None
    assert listener_of(ends) is None


def test_objects_carry_the_names_of_exports() -> None:
    assert label_of(LogLine(text="", kind="ssl-server", name="front")) == "SSLServerProfile front"
    assert (
        label_of(LogLine(text="", kind="source-https", name="in"))
        == "HTTPSSourceProtocolHandler in"
    )
    assert label_of(LogLine(text="", kind="logging target", name="x")) == "logging target x"
    assert label_of(LogLine(text="")) is None
