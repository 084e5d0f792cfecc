"""Names against certificates."""

from __future__ import annotations

import pytest

from analyzer.errors import Defect, DefectKind
from analyzer.tls.x509.chain import CertificateFacts
from analyzer.tls.x509.names import match_name, matches


def certificate(
    dns: tuple[str, ...] = (), ip: tuple[str, ...] = (), common_name: str | None = None
) -> CertificateFacts:
    return CertificateFacts(
        der=b"",
        sha1="",
        sha256="",
        san_dns=dns,
        san_ip=ip,
        has_san=bool(dns or ip),
        subject_cn=common_name,
    )


@pytest.mark.parametrize(
    ("dns", "host", "by"),
    [
        pytest.param("server.example", "server.example", "dns", id="equal"),
        pytest.param("Server.Example", "sERVER.eXAMPLE", "dns", id="case"),
        pytest.param("server.example", "server.example.", "dns", id="dot of the root"),
        pytest.param("server.example.", "server.example", "dot", id="dot in the certificate"),
        pytest.param("server.example", "other.example", None, id="another host"),
        pytest.param("*.server.example", "a.server.example", "wildcard", id="one label"),
        pytest.param("*.server.example", "a.b.server.example", None, id="two labels"),
        pytest.param("*.server.example", "server.example", None, id="no label"),
        pytest.param("*.example", "server.example", None, id="too wide"),
        pytest.param("*", "localhost", None, id="everything"),
        pytest.param("a*.server.example", "ab.server.example", None, id="part of a label"),
        pytest.param("a.*.example", "a.b.example", None, id="not the left-most"),
        pytest.param("bücher.example", "xn--bcher-kva.example", "dns", id="letters beyond ASCII"),
        pytest.param("192.0.2.1", "192.0.2.1", None, id="an address is no host name"),
        pytest.param("", "", None, id="nothing"),
    ],
)
def test_host_names(dns: str, host: str, by: str | None) -> None:
    found = match_name(certificate(dns=(dns,)), host)

    assert found is not None
    assert (found.matches, found.by) == (by is not None, by)


def test_any_of_the_names_will_do() -> None:
    assert matches(certificate(dns=("a.example", "b.example")), "b.example")


@pytest.mark.parametrize(
    ("addresses", "host", "fits"),
    [
        (("192.0.2.1",), "192.0.2.1", True),
        (("192.0.2.1",), "192.0.2.2", False),
        (("2001:db8::1",), "2001:0DB8:0::1", True),
        (("2001:db8::1",), "[2001:db8::1]", True),
    ],
)
def test_addresses(addresses: tuple[str, ...], host: str, fits: bool) -> None:
    assert matches(certificate(ip=addresses), host) is fits


def test_the_common_name_counts_only_where_nothing_else_is_there() -> None:
    found = match_name(certificate(common_name="server.example"), "server.example")

    assert found is not None
    assert (found.matches, found.by) == (True, "cn")
    assert not matches(
        certificate(dns=("x.example",), common_name="server.example"), "server.example"
    )
    assert not matches(certificate(), "server.example")


def test_a_damaged_certificate_cannot_tell() -> None:
    defect = Defect(DefectKind.OVERRUN, "certificate", 0, "cut")
    damaged = CertificateFacts(der=b"", sha1="", sha256="", defect=defect)

    assert matches(damaged, "server.example") is None
