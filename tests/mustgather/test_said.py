"""What openssl's output says, in the forms of its releases."""

from __future__ import annotations

import pytest

from analyzer.mustgather.said import completed, what_openssl_said

REFUSED_BY_102 = """\
CONNECTED(00000003)
140735204868944:error:14094410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:s3_pkt.c:1493:SSL alert number 40
140735204868944:error:140790E5:SSL routines:ssl23_write:ssl handshake failure:s23_lib.c:177:
---
no peer certificate available
---
New, (NONE), Cipher is (NONE)
SSL-Session:
    Protocol  : TLSv1.2
    Cipher    : 0000
    Verify return code: 0 (ok)
"""
DONE_BY_102 = """\
CONNECTED(00000003)
depth=0 CN = gateway.example
verify error:num=20:unable to get local issuer certificate
verify return:1
---
New, TLSv1/SSLv3, Cipher is ECDHE-RSA-AES256-GCM-SHA384
SSL-Session:
    Protocol  : TLSv1.2
    Cipher    : ECDHE-RSA-AES256-GCM-SHA384
    Verify return code: 20 (unable to get local issuer certificate)
"""
REFUSED_BY_30 = """\
CONNECTED(00000003)
---
Verification error: certificate has expired
---
New, (NONE), Cipher is (NONE)
    Protocol  : TLSv1.2
    Verify return code: 0 (ok)
---
verify error:num=10:certificate has expired
409789D1C27F0000:error:0A000086:SSL routines:tls_post_process_server_certificate:certificate verify failed:../ssl/statem/statem_clnt.c:1889:
"""
DONE_BY_35 = """\
CONNECTED(00000003)
New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384
Protocol: TLSv1.3
Verify return code: 0 (ok)
"""
ASKED_BY_30 = """\
CONNECTED(00000003)
Acceptable client certificate CA names
CN = Example Root CA
Requested Signature Algorithms: ECDSA+SHA256
New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384
Verify return code: 0 (ok)
"""
SERVER = """\
Using default temp DH parameters
ACCEPT
ERROR
40479C6BB37F0000:error:0A0000C1:SSL routines:tls_post_process_client_hello:no shared cipher:../ssl/statem/statem_srvr.c:2220:
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(REFUSED_BY_102, ["the other side sent the alert handshake_failure"], id="refused, 1.0.2"),
        pytest.param(DONE_BY_102, ["the handshake completed (TLSv1.2, ECDHE-RSA-AES256-GCM-SHA384); the chain does not verify: unable to get local issuer certificate (20), and openssl went on all the same"], id="completed, 1.0.2"),
        pytest.param(REFUSED_BY_30, ["openssl gave up: certificate verify failed; the chain does not verify: certificate has expired (10)"], id="refused, 3.0"),
        pytest.param(DONE_BY_35, ["the handshake completed (TLSv1.3, TLS_AES_256_GCM_SHA384); the chain verifies"], id="completed, 3.5"),
        pytest.param(ASKED_BY_30, ["the handshake completed (TLSv1.3, TLS_AES_256_GCM_SHA384), on this side: the other may still refuse the client; the chain verifies"], id="asked for a certificate"),
        pytest.param(SERVER, ["openssl gave up: no shared cipher"], id="s_server"),
        pytest.param("server.pem: OK\n", ["the chain verifies"], id="verify"),
        pytest.param("CN = a\nerror 20 at 0 depth lookup:unable to get local issuer certificate\n", ["the chain does not verify: unable to get local issuer certificate (20)"], id="verify, 1.0.2"),
        pytest.param("40:error:8000006F:system library:BIO_connect:Connection refused:../crypto/bio/bio_sock2.c:178:\nconnect:errno=111\n", ["no TCP connection came about"], id="refused by TCP"),
        pytest.param("a note of mine\n", [], id="nothing of the kind"),
        pytest.param(DONE_BY_35 + SERVER, ["the handshake completed (TLSv1.3, TLS_AES_256_GCM_SHA384); the chain verifies", "openssl gave up: no shared cipher"], id="two runs"),
    ],
)  # fmt: skip
def test_each_run_is_told_in_a_clause(text: str, said: list[str]) -> None:
    assert list(what_openssl_said(text)) == said
    assert list(what_openssl_said(text.replace("\n", "\r\n"))) == said


def test_a_handshake_came_about_where_nothing_is_open() -> None:
    assert completed(DONE_BY_35)
    assert completed(DONE_BY_102)
    assert not completed(ASKED_BY_30)
    assert not completed(REFUSED_BY_30)
