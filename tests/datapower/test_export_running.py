"""Commands as the firmware itself writes them: every domain has these objects, in this layout."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.datapower.export.container import read_bytes, read_export
from analyzer.datapower.graph import Graph, build_graph
from analyzer.datapower.load import load_graph
from analyzer.errors import CaptureError
from tests.support.logs import as_report

RUNNING = """\
top; configure terminal;

# configuration generated Tue Sep 12 14:46:12 2017; firmware version 289749

%if% available "domain-settings"

domain-settings
  admin-state enabled
  password-treatment masked
exit

%endif%

interface "eth10"
  ip address 192.0.2.1/24
  standby 1 ip 192.0.2.100
exit

crypto
  certificate "gateway" "cert:///gateway.pem"
exit

crypto
  key "gateway-key" "cert:///gateway.key"
exit

crypto
  idcred "gateway" "gateway-key" "gateway"
exit

crypto
  valcred "partners"
    certificate "root"
    cert-validation-mode "pkix"
    use-crl "off"
    check-dates "on"
  exit
exit

crypto

%if% available "ssl-client"

ssl-client "back"
  protocols "TLSv1d1+TLSv1d2"
  ciphers ECDHE_RSA_WITH_AES_256_GCM_SHA384
 ciphers ECDHE_RSA_WITH_AES_128_GCM_SHA256
 ciphers RSA_WITH_AES_128_CBC_SHA
  no validate-server-cert
  valcred partners
  ssl-client-features "use-sni"
  use-custom-sni-hostname no
exit

%endif%

exit

crypto

%if% available "ssl-server"

ssl-server "front"
  protocols "TLSv1d1+TLSv1d2"
ciphers ECDHE_RSA_WITH_AES_256_GCM_SHA384
 ciphers ECDHE_RSA_WITH_AES_128_GCM_SHA256
 ciphers RSA_WITH_AES_128_CBC_SHA
  idcred gateway
  no request-client-auth
  ssl-options ""
  sign-alg rsa_pkcs1_sha256
exit

%endif%

exit
logging event default-log "all" "error"

user-agent "default"
  summary "Default User Agent"
exit

rule "orders_rule_0"
  reset
    action "orders_rule_0_convert_0"
    action "orders_rule_0_results_0"
  type rule
exit

xmlmgr "default"
xsl cache size "default" "256"
no tx-warn "default"

xml parser limits "default"
 bytes-scanned 4194304
 element-depth 512
exit

documentcache "default"
 no policy
 maxdocs "5000"
exit
no xml validate "default" *

xml-manager "default"
  summary "Default XML-Manager"
  user-agent "default"
exit

%if% available "source-https"

source-https "https-in"
  local-address 0.0.0.0
  port 8443
  no compression
  ssl-config-type server
  ssl-server front
exit

%endif%

crypto

%if% available "sshserverprofile"

sshserverprofile
  no ciphers
  ciphers AES128-CTR
exit

%endif%

exit

xmlfirewall "edge"
  ip-address 192.0.2.7
  port 9443
  remote-ip-address 198.51.100.30
  remote-port 9444
  type static-backend
  ssl-config-type server
  ssl-server front
  ssl-client back
exit

%if% available "mpgw"

mpgw "orders"
  no policy-parameters
  front-protocol https-in
  xml-manager default
  ssl-client-type client
  ssl-client back
  backend-url "https://orders.example:443"
  type static-backend
exit

%endif%

web-mgmt
  admin-state "enabled"
  local-address "0.0.0.0" "9090"
  ssl-config-type server
  ssl-server front
exit
"""


def graph(text: str = RUNNING) -> Graph:
    return build_graph([read_bytes(text.encode(), "payments.cfg")])


def test_no_mode_of_the_firmware_hides_what_comes_after_it() -> None:
    found = graph()

    assert [(one.label, one.address, one.port) for one in found.listeners] == [
        ("HTTPSSourceProtocolHandler https-in", "0.0.0.0", 8443),
        ("XMLFirewallService edge", "192.0.2.7", 9443),
        ("web-mgmt", "0.0.0.0", 9090),
    ]
    assert {one.profile.name for one in found.listeners if one.profile} == {"front"}
    assert found.listeners[0].services == ("MultiProtocolGateway orders",)
    assert sorted((one.name, one.host, one.port) for one in found.targets) == [
        ("edge", "198.51.100.30", 9444),
        ("orders", "orders.example", 443),
    ]


def test_the_layout_of_a_list_does_not_end_an_object() -> None:
    back, front = graph().profiles

    assert [len(one.suites or ()) for one in (back, front)] == [3, 3]
    assert (back.validates, back.sends_name) == (False, True)
    assert back.validation is not None
    assert (back.validation.mode, back.validation.use_crl) == ("pkix", False)
    assert front.credential is not None
    assert front.credential.certificate is not None
    assert front.credential.certificate.file == "cert:///gateway.pem"
    assert [scheme.name for scheme in front.signatures or ()] == ["rsa_pkcs1_sha256"]


def test_addresses_of_interfaces_and_those_held_in_common_are_the_gateways() -> None:
    assert graph().addresses == {"192.0.2.1", "192.0.2.100"}


@pytest.mark.parametrize("indent", ["", "    ", "\t"])
def test_a_text_that_is_indented_as_a_whole_says_the_same(indent: str) -> None:
    moved = "".join(indent + line for line in RUNNING.splitlines(keepends=True))

    assert graph(moved).listeners == graph().listeners
    assert graph(moved).targets == graph().targets


def test_the_prompt_of_a_terminal_tells_the_domain() -> None:
    text = "idg[payments](config)# show running-config\n" + RUNNING
    export = read_bytes(text.encode(), "putty.log")

    assert [domain.name for domain in export.domains] == ["payments"]


def test_packed_configuration_keeps_its_domain(tmp_path: Path) -> None:
    path = tmp_path / "payments.cfg.gz"
    path.write_bytes(gzip.compress(RUNNING.encode()))

    assert [domain.name for domain in read_export(path).domains] == ["payments"]
    path.write_bytes(gzip.compress(RUNNING.encode())[:-20])
    with pytest.raises(CaptureError, match="damaged gzip"):
        read_export(path)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_error_report_is_the_export_that_it_holds(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "error-report.txt.gz"
    path.write_bytes(pack(as_report([("payments-config", RUNNING.encode())])))
    found = load_graph([path])

    assert found is not None
    assert found.listeners == graph().listeners
    path.write_bytes(pack(as_report([("backtrace", b"0x1234 in main ()\n")])))
    with pytest.raises(CaptureError, match="without configuration"):
        load_graph([path])
