"""Exports that are damaged, or built to do harm, end in one clear line; secrets are not kept."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.datapower.export.certificates import certificates_of, read_folder
from analyzer.datapower.export.container import read_bytes
from analyzer.datapower.graph import build_graph
from analyzer.errors import CaptureError, UsageError
from analyzer.limits import DEFAULT
from tests.support.exports import Thing, as_cfg, as_xml, as_zip, credentials, handler, thing
from tests.tls.certificates import make

THINGS = [handler(), *credentials()]


def refused(data: bytes, limits: object = DEFAULT) -> str:
    """The one line with which an export is refused."""
    assert isinstance(limits, type(DEFAULT))
    with pytest.raises(CaptureError) as caught:
        read_bytes(data, "case.zip", limits)
    text = str(caught.value)

    assert "\n" not in text
    assert text.startswith("case.zip")
    return text


def test_a_member_that_grows_beyond_reason_is_a_bomb() -> None:
    bomb = as_zip({"export.xml": b"<a>" + b" " * (64 << 20) + b"</a>"})

    assert "unpacks to far more than it holds" in refused(bomb)


def test_the_sum_of_members_is_bounded() -> None:
    small = replace(DEFAULT, export_bytes=20_000)
    members = {f"{i}/export.xml": as_xml([*THINGS]) * 1 for i in range(20)}

    assert "unpacks to far more" in refused(as_zip(members), small)


def test_archives_nest_so_far_and_no_further() -> None:
    data = as_zip({"export.xml": as_xml(THINGS)})
    for _ in range(DEFAULT.export_nesting - 1):
        data = as_zip({"inner.zip": data})

    assert read_bytes(data, "case.zip").domains
    assert "nested more than" in refused(as_zip({"inner.zip": data}))


def test_the_number_of_members_is_bounded() -> None:
    few = replace(DEFAULT, export_members=3)

    assert "an archive of 4 files" in refused(as_zip({str(i): b"" for i in range(4)}), few)


@pytest.mark.parametrize(
    "name",
    ["../export.xml", "a/../../export.xml", "/etc/export.xml", "C:/export.xml", "..\\export.xml"],
)
def test_a_name_that_leads_out_of_the_archive_is_refused(name: str) -> None:
    assert "leads out of the archive" in refused(as_zip({name: as_xml(THINGS)}))


def test_a_symbolic_link_is_refused() -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        member = zipfile.ZipInfo("export.xml")
        member.external_attr = 0o120777 << 16
        archive.writestr(member, "/etc/passwd")

    assert "leads out of the archive" in refused(held.getvalue())


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    ],
)
def test_entities_and_document_types_are_refused(text: str) -> None:
    assert "document type or entities" in refused(text.encode())


def test_elements_nest_so_far_and_no_further() -> None:
    assert "nested more than" in refused(b"<a>" * 5000 + b"</a>" * 5000)


def test_objects_are_counted() -> None:
    many = [thing("CryptoKey", str(i), Filename="cert:///k") for i in range(5)]
    few = replace(DEFAULT, export_objects=4)

    assert "more than 4 objects" in refused(as_xml(many), few)
    assert "more than 4 objects" in refused(as_cfg(many), few)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(b"", "no DataPower export", id="empty"),
        pytest.param(b"\x7fELF", "no DataPower export", id="a program"),
        pytest.param(b"<html><body/></html>", "without configuration", id="another XML"),
        pytest.param(b"<a><b></a>", "damaged", id="not well formed"),
        pytest.param(as_zip({"export.xml": as_xml(THINGS)})[:200], "damaged", id="cut archive"),
        pytest.param(as_zip({"readme.txt": b"hello"}), "without configuration", id="other archive"),
    ],
)
def test_what_is_no_export_is_said_so(data: bytes, problem: str) -> None:
    assert problem in refused(data)


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_damage_ends_in_an_export_or_in_one_line(data: st.DataObject) -> None:
    whole = data.draw(
        st.sampled_from([as_xml(THINGS), as_cfg(THINGS), as_zip({"export.xml": as_xml(THINGS)})])
    )
    raw = bytearray(whole)
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=4)):
        raw[at] = data.draw(st.integers(0, 255))
    try:
        build_graph([read_bytes(bytes(raw[: data.draw(st.integers(0, len(raw)))]), "case.zip")])
    except CaptureError as error:
        assert "\n" not in str(error)  # noqa: PT017 - the other outcome is a graph


SECRET = "xyzzy-s3cret"
SECRETIVE = [
    Thing("CryptoCertificate", "c", {"Filename": "cert:///c.pem", "Password": SECRET}),
    Thing("CryptoKey", "k", {"Filename": "cert:///k.pem", "Password": SECRET}),
    thing("XMLFirewallService", "f", LocalPort="443", SSLServer="p"),
    thing(
        "MultiProtocolGateway",
        "m",
        BackendUrl=f"https://user:{SECRET}@backend.example:8443/a?key={SECRET}#{SECRET}",
        FrontProtocol=["h"],
    ),
]


def test_no_secret_of_xml_is_kept() -> None:
    nested = as_xml(SECRETIVE).replace(
        b"</configuration>",
        f"<User name='u'><Password>{SECRET}</Password></User>"
        f"<LDAP name='l' ><Bind class='SSLClientProfile'>p</Bind><BindPassword>{SECRET}"
        f"</BindPassword></LDAP>"
        f"<PasswordAlias name='a'><Password>{SECRET}</Password></PasswordAlias>"
        "</configuration>".encode(),
    )
    export = read_bytes(nested, "export.xml")

    assert SECRET not in repr(export)
    assert SECRET not in repr(build_graph([export]))
    assert "backend.example" in repr(export)


def test_no_secret_of_commands_is_kept() -> None:
    text = as_cfg(SECRETIVE).decode() + (
        f'\nuser "u"\n  password {SECRET}\nexit\n'
        f'crypto\n  password-map\n    "a" {SECRET}\n  exit\nexit\n'
        f'ldap "l"\n  bind-password {SECRET}\n  ssl-client p\nexit\n'
    )
    export = read_bytes(text.encode(), "payments.cfg")

    assert SECRET not in repr(export)
    assert SECRET not in repr(build_graph([export]))
    assert "backend.example" in repr(export)


def test_certificates_are_taken_and_keys_are_left(tmp_path: Path) -> None:
    made = make("gateway")
    pem = made.certificate.public_bytes(Encoding.PEM)
    key = made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    bare = made.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    for name, data in {
        "both.pem": key + pem,
        "one.crt": made.der,
        "k.key": key,
        "k.der": bare,
    }.items():
        (tmp_path / name).write_bytes(data)
    found = read_folder(tmp_path)

    assert found == {"both.pem": (made.der,), "one.crt": (made.der,)}
    assert certificates_of(key) == certificates_of(bare) == ()


def test_a_folder_without_certificates_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no certificate in it"):
        read_folder(tmp_path)
    with pytest.raises(UsageError, match="no such folder"):
        read_folder(tmp_path / "nowhere")
