"""Which object is on the way of a connection: spellings, groups, aliases, twins, what is disabled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from analyzer.datapower.export.certificates import certificates_of, read_folder
from analyzer.datapower.export.container import read_bytes
from analyzer.datapower.export.objects import Export
from analyzer.datapower.graph import Graph, build_graph
from analyzer.datapower.view import view_of
from analyzer.tls.objects import ObjectView
from analyzer.tls.story import Story
from tests.support import messages as m
from tests.support import stories as told
from tests.support.exports import (
    Thing,
    as_xml,
    as_zip,
    client_profile,
    credentials,
    handler,
    server_profile,
    service,
    thing,
)
from tests.tls.certificates import make

GATEWAY, TWIN, PARTNER = "192.0.2.1", "192.0.2.2", "198.51.100.20"


def graph(*appliances: tuple[str, list[Thing]]) -> Graph:
    exports = [
        read_bytes(as_xml(things, addresses=[address] if address else []), f"{i}.xml")
        for i, (address, things) in enumerate(appliances)
    ]
    return build_graph(exports)


def story(client: str, server: str, port: int = 443, name: str | None = None) -> Story:
    hello = m.client_hello(sni=name) if name else m.client_hello(sni=None)
    made = told.alerted(told.offered(hello), told.SERVER, 40)
    return replace(
        made,
        client=made.client._replace(ip=client),
        server=made.server._replace(ip=server, port=port),
    )


def back(found: Graph, server: str = PARTNER, name: str | None = None) -> ObjectView | None:
    return view_of(found, story(GATEWAY, server, name=name))


def front(found: Graph, address: str = GATEWAY) -> ObjectView | None:
    return view_of(found, story("203.0.113.9", address))


def profile_of(view: ObjectView | None) -> str | None:
    return view.profile.name if view is not None and view.profile is not None else None


GROUP = thing("LoadBalancerGroup", "Orders_LB", LBGroupMembers=[{"Server": PARTNER}])


def test_the_name_of_a_group_or_an_alias_keeps_its_letters() -> None:
    alias = thing("HostAlias", "Partner", IPAddress=PARTNER)
    for url, extra in (("https://Orders_LB:443/", GROUP), ("https://user@Partner/", alias)):
        found = back(graph((GATEWAY, [service(url), client_profile(), extra])))

        assert found is not None
        assert found.place == "MultiProtocolGateway orders"
        assert PARTNER in found.found_by
        assert profile_of(found) == "back"


def test_a_firewall_may_have_a_group_behind_it() -> None:
    firewall = thing(
        "XMLFirewallService",
        "edge",
        LocalPort="9000",
        RemoteAddress="Orders_LB",
        RemotePort="443",
        SSLClient="back",
    )
    found = back(graph((GATEWAY, [firewall, GROUP, client_profile()])))

    assert found is not None
    assert (found.place, found.found_by) == (
        "XMLFirewallService edge",
        "its LBGroupMembers of Orders_LB is 198.51.100.20:443",
    )


def test_the_type_of_a_policy_says_which_of_its_profiles_counts() -> None:
    rows = [
        {
            "RegExp": "https://*",
            "SSLProxyProfile": "old-way",
            "SSLClientConfigType": "proxy",
            "SSLClient": "left-over",
        }
    ]
    things = [
        service(f"https://{PARTNER}/"),
        client_profile(),
        client_profile("left-over"),
        thing("XMLManager", "default", UserAgent="agent"),
        thing("HTTPUserAgent", "agent", SSLPolicies=rows),
        thing("SSLProxyProfile", "old-way", Direction="forward", ForwardCryptoProfile="old"),
        thing("CryptoProfile", "old", Ciphers="HIGH"),
    ]

    assert profile_of(back(graph((GATEWAY, things)))) == "old"


def test_a_service_that_is_disabled_does_not_stand_beside_one_that_runs() -> None:
    old = Thing("MultiProtocolGateway", "old", service("").properties, enabled=False)
    retired = replace(
        old,
        properties={**old.properties, "BackendUrl": f"https://{PARTNER}/", "SSLClient": "narrow"},
    )
    things = [retired, service(f"https://{PARTNER}/"), client_profile(), client_profile("narrow")]
    found = back(graph((GATEWAY, things)))

    assert found is not None
    assert (found.place, profile_of(found)) == ("MultiProtocolGateway orders", "back")


def test_a_handler_that_is_disabled_leaves_the_port_to_the_one_for_all_addresses() -> None:
    own = replace(handler("own", LocalAddress=GATEWAY, SSLServer="narrow"), enabled=False)
    things = [own, handler(), server_profile(), server_profile("narrow")]
    found = front(graph((GATEWAY, things)))

    assert found is not None
    assert (found.place, profile_of(found)) == ("HTTPSSourceProtocolHandler https-in", "front")


def pair() -> Graph:
    """Two appliances with one configuration, but for addresses and a profile."""
    first = [
        handler(),
        handler("alias-in", 8443, LocalAddress="outside"),
        server_profile(),
        thing("HostAlias", "outside", IPAddress=GATEWAY),
        service(f"https://{PARTNER}/"),
        client_profile(),
    ]
    second = [
        handler(SSLServer="other"),
        handler("alias-in", 8443, LocalAddress="outside", SSLServer="other"),
        server_profile("other"),
        thing("HostAlias", "outside", IPAddress=TWIN),
        service(f"https://{PARTNER}/", SSLClient="other-back"),
        client_profile("other-back"),
    ]
    return graph((GATEWAY, first), (TWIN, second))


def test_of_two_appliances_the_one_with_the_address_is_meant() -> None:
    found = pair()

    assert [profile_of(front(found, address)) for address in (GATEWAY, TWIN)] == ["front", "other"]
    assert profile_of(view_of(found, story(GATEWAY, PARTNER))) == "back"
    assert profile_of(view_of(found, story(TWIN, PARTNER))) == "other-back"


def test_two_appliances_do_not_fight_for_a_port() -> None:
    found = graph(
        (GATEWAY, [handler(), server_profile()]), (TWIN, [handler("other-in"), server_profile()])
    )
    view = front(found)

    assert view is not None
    assert view.listener is not None
    assert view.listener.name == "https-in"
    assert not [fault for fault in view.listener.faults if fault.conflict]


def test_an_alias_is_an_address_of_its_own_appliance() -> None:
    found = [one for one in pair().listeners if one.name == "alias-in"]

    assert [one.address for one in found] == [GATEWAY, TWIN]


def test_an_alias_of_another_export_counts_where_all_agree() -> None:
    alias = thing("HostAlias", "outside", IPAddress=GATEWAY)
    other = thing("HostAlias", "outside", IPAddress=TWIN)
    listening = [handler(LocalAddress="outside"), server_profile()]

    agreed = graph(("", listening), (GATEWAY, [alias, server_profile()]))
    open_ = graph(
        ("", listening), (GATEWAY, [alias, server_profile()]), (TWIN, [other, server_profile()])
    )

    assert agreed.listeners[0].address == GATEWAY
    assert open_.listeners[0].address == "outside"


FIRST, SECOND = make("gateway", serial=1), make("gateway", serial=2)


def leaf_of(found: Graph, domain: str = "payments") -> int | None:
    """The serial number of the certificate with which a domain's profile answers."""
    (profile,) = (one for one in found.profiles if one.domain == domain)
    assert profile.credential is not None
    assert profile.credential.certificate is not None
    leaf = profile.credential.certificate.leaf
    return int(leaf.serial.replace(":", ""), 16) if leaf is not None else None


def two_domains() -> Export:
    things = [server_profile(), *credentials()]
    one, two = (read_bytes(as_xml(things, domain), domain) for domain in ("payments", "hr"))
    return replace(one, domains=(*one.domains, *two.domains))


def write(folder: Path, *files: tuple[str, bytes]) -> Mapping[str, tuple[bytes, ...]]:
    for name, data in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return read_folder(folder)


def test_each_domain_has_certificates_of_its_own(tmp_path: Path) -> None:
    held = write(
        tmp_path, ("payments/cert/gateway.pem", FIRST.der), ("hr/cert/gateway.pem", SECOND.der)
    )
    found = build_graph([two_domains()], held)

    assert [leaf_of(found, domain) for domain in ("payments", "hr")] == [1, 2]


def test_of_two_files_of_one_name_none_is_guessed(tmp_path: Path) -> None:
    held = write(tmp_path, ("old/gateway.pem", FIRST.der), ("new/gateway.pem", SECOND.der))

    assert leaf_of(build_graph([two_domains()], held)) is None
    assert (
        leaf_of(build_graph([two_domains()], write(tmp_path, ("new/gateway.pem", FIRST.der)))) == 1
    )


def test_the_certificates_of_an_export_are_its_own() -> None:
    things = [server_profile(), *credentials()]
    exports = [
        read_bytes(as_zip({"export.xml": as_xml(things, name), "cert/gateway.pem": der}), name)
        for name, der in (("payments", FIRST.der), ("hr", SECOND.der))
    ]
    found = build_graph(exports)

    assert [leaf_of(found, domain) for domain in ("payments", "hr")] == [1, 2]


def test_certificates_in_pkcs_7_are_read() -> None:
    certificate = x509.load_der_x509_certificate(FIRST.der)
    for encoding in (Encoding.DER, Encoding.PEM):
        data = pkcs7.serialize_certificates([certificate], encoding)
        assert certificates_of(data) == (FIRST.der,)


def test_addresses_are_compared_in_one_form() -> None:
    own = "2001:db8::1"
    listening = [handler(LocalAddress="2001:DB8:0:0::1"), server_profile()]
    view = front(graph(("2001:db8:0::1", listening)), own)

    assert view is not None
    assert view.found_by == "it listens on [2001:db8::1]:443"
    calling = [service("https://[2001:DB8:0::20]/"), client_profile()]
    back_ = view_of(graph((own, calling)), story(own, "2001:db8::20"))
    assert back_ is not None
    assert back_.found_by == "its BackendUrl is [2001:db8::20]:443"


def test_the_dot_at_the_end_of_a_name_is_never_asked_for() -> None:
    found = graph((GATEWAY, [service("https://Partner.Example./"), client_profile()]))

    assert profile_of(back(found, name="partner.example")) == "back"
    assert back(found, name="other.example") is None


def test_services_that_share_backend_and_profile_are_all_named() -> None:
    twin = replace(service(f"https://{PARTNER}/other"), name="invoices")
    things = [service(f"https://{PARTNER}/"), twin, client_profile()]
    found = back(graph((GATEWAY, things)))

    assert found is not None
    assert found.found_by == (
        f"its BackendUrl is {PARTNER}:443, as that of MultiProtocolGateway invoices"
    )
