"""XML and .cfg of the same objects, in every container, give the same graph."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.datapower.export.container import read_bytes, read_export
from analyzer.datapower.graph import Graph, build_graph
from analyzer.tcp.timeline import Side
from analyzer.tls.objects import NameProfile, Profile
from analyzer.tls.registry.code_points import ProtocolVersion
from tests.support.exports import (
    CURVES,
    SUITES,
    Property,
    Thing,
    as_cfg,
    as_xml,
    as_zip,
    backup,
    client_profile,
    credentials,
    handler,
    schema,
    server_profile,
    service,
    thing,
    trust,
)

DOMAIN = [
    *credentials("issuing"),
    *trust("partners", "root", "second-root"),
    *trust("customers", "customer-ca", CertValidationMode="exact-match", RequireCRL="on"),
    server_profile(RequestClientAuth="on", Valcred="customers"),
    server_profile("narrow", Protocols={"TLSv1d2"}, Ciphers=SUITES[2:3]),
    client_profile(Idcred="gateway"),
    thing(
        "SSLSNIMapping",
        "hosts",
        SNIMapping=[
            {"HostNameWildmat": "api.example", "SSLServer": "front"},
            {"HostNameWildmat": "*.shop.example", "SSLServer": "narrow"},
        ],
    ),
    thing(
        "SSLSNIServerProfile",
        "by-name",
        Protocols={"TLSv1d2", "TLSv1d3"},
        SNIServerMapping="hosts",
        SNIServerDefault="narrow",
    ),
    thing(
        "CryptoProfile",
        "old",
        IdentCredential="gateway",
        ValCredential="customers",
        Ciphers="HIGH:MEDIUM:!aNULL:!eNULL:!RC4:@STRENGTH",
        SSLOptions={"Disable-SSLv3", "Disable-TLSv1", "OpenSSL-default"},
        ClientCAList="on",
    ),
    thing("CryptoProfile", "old-client", SSLOptions={"Disable-TLSv1d2"}, Ciphers="AES128-SHA"),
    thing(
        "SSLProxyProfile",
        "old-way",
        Direction="two-way",
        ReverseCryptoProfile="old",
        ForwardCryptoProfile="old-client",
        ClientAuthOptional="on",
        PermitInsecureServers="on",
    ),
    handler(),
    handler("names-in", 8443, SSLServerConfigType="sni", SSLSNIServer="by-name"),
    handler("old-in", 9443, SSLServerConfigType="proxy", SSLProxy="old-way"),
    thing("HTTPSourceProtocolHandler", "http-in", LocalAddress="inside", LocalPort="8080"),
    thing("HostAlias", "inside", IPAddress="192.0.2.7"),
    service(),
    thing(
        "XMLFirewallService",
        "firewall",
        LocalAddress="192.0.2.1",
        LocalPort="9193",
        RemoteAddress="192.0.2.99",
        RemotePort="9194",
        SSLConfigType="server",
        SSLServer="narrow",
        SSLClient="back",
    ),
    thing("XMLManager", "default", UserAgent="agent"),
    thing(
        "HTTPUserAgent",
        "agent",
        SSLPolicies=[
            {
                "RegExp": "https://backend.example*",
                "SSLProxyProfile": "",
                "SSLClientConfigType": "client",
                "SSLClient": "back",
            }
        ],
    ),
    thing("CertMonitor", "Certificate Monitor", PollingInterval="1", DisableExpiredCerts="on"),
    thing(
        "WebGUI", "web-mgmt", LocalAddress="192.0.2.1", LocalPort="9090", SSLServerProfile="front"
    ),
]


def graph(data: bytes, path: str = "payments.cfg") -> Graph:
    """The graph of an export in memory."""
    return build_graph([read_bytes(data, path)])


def parts(found: Graph) -> tuple[object, ...]:
    """All that must not depend on the form, web management left out (see below)."""
    listeners = {one for one in found.listeners if one.kind in KINDS}
    return (
        sorted(map(repr, listeners)),
        sorted(map(repr, found.targets)),
        sorted(map(repr, found.profiles)),
        sorted(map(repr, found.name_profiles)),
        found.addresses,
    )


KINDS = {
    *("HTTPSSourceProtocolHandler", "HTTPSourceProtocolHandler"),
    *("XMLFirewallService", "SSLProxyService"),
}
ADDRESSES = ("192.0.2.1", "198.51.100.1")


def test_xml_and_commands_give_the_same_graph() -> None:
    by_xml = graph(as_xml(DOMAIN, addresses=ADDRESSES))
    by_cfg = graph(as_cfg(DOMAIN, addresses=ADDRESSES))

    assert parts(by_xml) == parts(by_cfg)
    assert len(by_xml.listeners) == 6
    assert len(by_xml.targets) == 4


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(as_zip({"export.xml": as_xml(DOMAIN)}), id="archive"),
        pytest.param(as_zip({"config/payments.cfg": as_cfg(DOMAIN)}), id="archive of commands"),
        pytest.param(backup(DOMAIN), id="backup"),
        pytest.param(b"\xef\xbb\xbf" + as_xml(DOMAIN), id="byte order mark"),
        pytest.param(as_cfg(DOMAIN).replace(b"\n", b"\r\n"), id="carriage returns"),
        pytest.param(as_xml(DOMAIN).decode().encode("utf-16"), id="XML in UTF-16"),
        pytest.param(as_cfg(DOMAIN).decode().encode("utf-16"), id="commands in UTF-16"),
    ],
)
def test_containers_do_not_change_the_graph(data: bytes) -> None:
    assert parts(graph(data)) == parts(graph(as_xml(DOMAIN)))


def test_order_is_preference_and_survives_both_forms() -> None:
    mixed = [server_profile(Ciphers=SUITES[::-1], EllipticCurves=CURVES[::-1]), handler()]
    for data in (as_xml(mixed), as_cfg(mixed)):
        (profile,) = graph(data).profiles

        assert profile.suites is not None
        assert [f"TLS_{name}" for name in SUITES[::-1]] == [suite.name for suite in profile.suites]
        assert profile.groups is not None
        assert [group.name for group in profile.groups] == CURVES[::-1]


def test_a_server_profile_says_all_that_a_handshake_needs() -> None:
    found = graph(as_xml(DOMAIN))
    profile = next(p for p in found.profiles if p.name == "front")

    assert profile.versions == frozenset(
        {ProtocolVersion.TLS1_1, ProtocolVersion.TLS1_2, ProtocolVersion.TLS1_3}
    )
    assert (profile.request_client, profile.require_client, profile.send_authorities) == (
        True,
        True,
        True,
    )
    assert profile.credential is not None
    assert [c.name for c in profile.credential.intermediates] == ["issuing"]
    assert profile.validation is not None
    assert (profile.validation.mode, profile.validation.require_crl) == ("exact-match", True)
    assert (profile.renegotiations, profile.legacy_renegotiation) == (0, False)


def test_deprecated_profiles_say_the_same_in_their_own_way() -> None:
    found = graph(as_xml(DOMAIN))
    server = next(p for p in found.profiles if p.name == "old")
    client = next(p for p in found.profiles if p.name == "old-client")

    assert server.via == "SSLProxyProfile old-way"
    assert server.versions == frozenset({ProtocolVersion.TLS1_1, ProtocolVersion.TLS1_2})
    # A validation credential in the reverse direction turns client authentication on.
    assert (server.request_client, server.require_client) == (True, False)
    assert server.suites is not None
    assert not [suite for suite in server.suites if "RC4" in suite.name or "NULL" in suite.name]
    assert client.side is Side.CLIENT
    assert client.suites is not None
    assert [suite.name for suite in client.suites] == ["TLS_RSA_WITH_AES_128_CBC_SHA"]
    assert client.insecure_servers


def test_a_host_name_map_leads_to_its_profiles() -> None:
    found = graph(as_xml(DOMAIN))
    listener = next(one for one in found.listeners if one.name == "names-in")

    assert isinstance(listener.profile, NameProfile)
    assert [(p, m and m.name) for p, m in listener.profile.mapping] == [
        ("api.example", "front"),
        ("*.shop.example", "narrow"),
    ]
    assert isinstance(listener.profile.default, Profile)
    assert listener.profile.default.name == "narrow"


def test_a_host_alias_is_an_address() -> None:
    found = graph(as_xml(DOMAIN))

    assert next(one for one in found.listeners if one.name == "http-in").address == "192.0.2.7"


def test_a_load_balancer_group_is_its_members() -> None:
    group = thing(
        "LoadBalancerGroup",
        "pool",
        LBGroupMembers=[
            {"Server": "192.0.2.50", "Weight": "1", "MappedPort": "0"},
            {"Server": "192.0.2.51", "Weight": "1", "MappedPort": "9443"},
        ],
    )
    things = [service("https://pool:8443/"), client_profile(), group, handler()]
    for data in (as_xml(things), as_cfg(things)):
        assert [(t.host, t.port) for t in graph(data).targets] == [
            ("192.0.2.50", 8443),
            ("192.0.2.51", 9443),
        ]


def test_any_class_may_lead_to_a_profile() -> None:
    found = graph(as_xml(DOMAIN))
    web = next(one for one in found.listeners if one.kind == "WebGUI")

    assert (web.address, web.port) == ("192.0.2.1", 9090)
    assert isinstance(web.profile, Profile)
    assert web.profile.name == "front"


BARE = [Thing("SSLServerProfile", "bare", {"Idcred": "gateway"}), *credentials()]


def test_the_schema_in_the_export_supplies_the_defaults() -> None:
    own = schema(
        {
            ("SSLServerProfile", "Protocols"): "TLSv1d2",
            ("SSLServerProfile", "RequireClientAuth"): "off",
            ("LogTarget", "Type"): "file",
        }
    )
    (profile,) = graph(as_zip({"export.xml": as_xml(BARE), "dp-aux/drMgmt.xml": own})).profiles

    assert profile.versions == frozenset({ProtocolVersion.TLS1_2})
    assert profile.require_client is False
    assert not {"Protocols", "RequireClientAuth"} & profile.assumed


@pytest.mark.parametrize(
    ("firmware", "newest"),
    [
        pytest.param("IDG.2018.4.1.3", ProtocolVersion.TLS1_2, id="2018"),
        pytest.param("IDG.10.6.0.1", ProtocolVersion.TLS1_3, id="10.6"),
    ],
)
def test_without_a_schema_defaults_are_those_of_the_version(
    firmware: str, newest: ProtocolVersion
) -> None:
    (profile,) = graph(as_xml(BARE, firmware=firmware)).profiles

    assert profile.versions is not None
    assert max(profile.versions, key=lambda version: version.rank) is newest
    assert "Protocols" in profile.assumed


def test_what_changed_with_firmware_is_unknown_where_the_firmware_is() -> None:
    (profile,) = graph(as_cfg(BARE)).profiles

    assert profile.versions is None
    assert profile.suites is None


def test_an_object_that_is_named_and_missing_is_no_empty_reference() -> None:
    (profile,) = graph(as_xml([server_profile(Valcred="elsewhere")])).profiles

    assert profile.validation is not None
    assert profile.validation.name == "elsewhere"
    assert profile.validation.mode is None


NAMES = st.text("abcXYZ-_. \"'\\&<>é", min_size=1, max_size=12).map(str.strip).filter(bool)


@settings(deadline=None, max_examples=60)
@given(
    name=NAMES,
    port=st.integers(1, 65_535),
    bits=st.sets(
        st.sampled_from(["SSLv3", "TLSv1d0", "TLSv1d1", "TLSv1d2", "TLSv1d3"]), min_size=1
    ),
    suites=st.lists(st.sampled_from(SUITES), min_size=1, unique=True),
    toggles=st.fixed_dictionaries(
        {
            key: st.sampled_from(["on", "off"])
            for key in ("RequestClientAuth", "RequireClientAuth", "SendClientAuthCAList")
        }
    ),
)
def test_both_forms_agree_whatever_is_configured(
    name: str, port: int, bits: set[str], suites: list[str], toggles: dict[str, Property]
) -> None:
    things = [
        server_profile(name, Protocols=bits, Ciphers=list(suites), **toggles),
        handler(name, port, SSLServer=name),
        *credentials(),
    ]

    assert parts(graph(as_xml(things))) == parts(graph(as_cfg(things)))


def test_a_file_is_read_from_disk(tmp_path: Path) -> None:
    file = tmp_path / "payments.cfg"
    file.write_bytes(as_cfg(DOMAIN))

    assert [domain.name for domain in read_export(file).domains] == ["payments"]
