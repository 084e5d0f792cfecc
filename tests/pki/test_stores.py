"""Files of certificates: every form, with and without passwords, whole and damaged."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    pkcs7,
    pkcs12,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.errors import CaptureError
from analyzer.pki.jks import password_fits, read_java_store
from analyzer.pki.keys import key_file, public_key
from analyzer.pki.roots import trust_of
from analyzer.pki.stores import Passwords, Store, read_store, store_of
from tests.pki.matrix import crl
from tests.pki.stores import SECRET, jks, key_pem, p12, pem
from tests.tls.certificates import chain

LEAF, SUB, ROOT = chain()
LIST = crl(SUB)
SAMPLES = (pem(LEAF), LEAF.der, jks(("a", (LEAF, SUB))), LIST)
OPEN = Passwords((b"wrong", SECRET))


def read(data: bytes, passwords: Passwords = Passwords()) -> Store:  # noqa: B008 - immutable
    found = store_of(data, "store", passwords)
    assert found is not None
    return found


def ders(store: Store) -> list[bytes]:
    return [held.der for held in store.certificates]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        pytest.param(pem(LEAF, SUB), "PEM", id="PEM"),
        pytest.param(b"CN=leaf\n" + pem(LEAF) + b"junk\n" + pem(SUB), "PEM", id="text around"),
        pytest.param(pem(LEAF, SUB).replace(b"\n", b"\r\n"), "PEM", id="lines of Windows"),
        pytest.param(
            pem(LEAF, SUB).replace(b" CERTIFICATE", b" TRUSTED CERTIFICATE"), "PEM", id="trusted"
        ),
        pytest.param(key_pem(LEAF) + pem(LEAF, SUB), "PEM", id="PEM with a key"),
        pytest.param(p12(LEAF, SUB, password=None), "PKCS#12", id="PKCS#12 without password"),
        pytest.param(jks(("a", (LEAF,)), ("b", (SUB,))), "JKS", id="Java truststore"),
        pytest.param(jks(("a", (LEAF, SUB))), "JKS", id="Java keystore"),
        pytest.param(jks(("a", (LEAF, SUB)), version=1), "JKS", id="version 1"),
        pytest.param(jks(("a", (LEAF, SUB)), magic=0xCECECECE), "JCEKS", id="JCEKS"),
    ],
)
def test_every_form_gives_the_certificates(data: bytes, kind: str) -> None:
    found = read(data)

    assert found.kind == kind
    assert ders(found) == [LEAF.der, SUB.der]


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_pkcs7_gives_the_certificates(encoding: Encoding) -> None:
    data = pkcs7.serialize_certificates([LEAF.certificate, SUB.certificate], encoding)

    assert sorted(ders(read(data))) == sorted([LEAF.der, SUB.der])


def test_der_is_told_by_its_shape() -> None:
    assert ders(read(LEAF.der)) == [LEAF.der]
    assert read(LIST).crls == (LIST,)
    assert store_of(b"\x30\x03\x02\x01\x07", "store") == Store("store", "DER")
    assert store_of(b"\x30\x00", "store") is None
    assert store_of(b"\x30\x82\xff\xff", "store") is None
    assert store_of(b"", "store") is None


def test_pkcs12_opens_with_the_password_that_fits() -> None:
    found = read(p12(LEAF, SUB), OPEN)

    assert ders(found) == [LEAF.der, SUB.der]
    assert [held.label for held in found.certificates] == ["own", None]
    assert found.public_keys == (public_key(LEAF.der),)


def test_a_truststore_of_java_in_pkcs12_opens() -> None:
    entries = [pkcs12.PKCS12Certificate(ROOT.certificate, b"my root")]
    locked = BestAvailableEncryption(SECRET)
    found = read(pkcs12.serialize_java_truststore(entries, locked), OPEN)

    assert [(held.label, held.der) for held in found.certificates] == [("my root", ROOT.der)]


@pytest.mark.parametrize("passwords", [Passwords(), Passwords((b"guess",))])
def test_a_locked_store_says_so_and_never_shows_the_password(passwords: Passwords) -> None:
    with pytest.raises(CaptureError, match="--password-file") as caught:
        read(p12(LEAF), passwords)

    assert "guess" not in str(caught.value)
    assert "guess" not in repr(passwords)


def test_the_password_of_every_java_store_is_not_guessed() -> None:
    with pytest.raises(CaptureError, match="needs a password"):
        read(p12(LEAF, password=b"changeit"))


def test_a_java_store_needs_no_password_and_checks_one_that_is_given() -> None:
    data = jks(("a", (LEAF,)))

    assert read(data).notes == ()
    assert read(data, OPEN).notes == ()
    assert "does not fit" in read(data, Passwords((b"wrong",))).notes[0]
    assert password_fits(data, SECRET)
    assert not password_fits(data[:-1] + bytes([data[-1] ^ 1]), SECRET)


def test_what_lies_behind_a_secret_key_is_said_to_be_unread() -> None:
    found = read_java_store(jks(("a", (LEAF,)), magic=0xCECECECE, secret_key=True))

    assert [alias for alias, _ in found.certificates] == ["a"]
    assert "'aes'" in (found.problem or "")


@pytest.mark.parametrize("cut", range(30, 400, 37))
def test_a_cut_java_store_keeps_what_is_whole(cut: int) -> None:
    data = jks(("a", (LEAF,)), ("b", (SUB,)))
    found = read_java_store(data[:-cut])

    assert found.certificates in ((("a", LEAF.der),), ())
    assert found.problem


def test_damaged_blocks_are_noted_and_hide_no_others() -> None:
    broken = b"-----BEGIN CERTIFICATE-----\n!!!=A\n-----END CERTIFICATE-----\n"
    found = read(broken + pem(LEAF))

    assert LEAF.der in ders(found)
    assert len(ders(found)) + len(found.notes) == 2


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_no_bytes_bring_the_reader_down(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(SAMPLES)))
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=4)):
        raw[at] = data.draw(st.integers(0, 255))
    found = store_of(bytes(raw[: data.draw(st.integers(0, len(raw)))]), "store")

    assert found is None or isinstance(found, Store)


@pytest.mark.parametrize("form", ["plain", "locked", "p12"])
def test_a_key_belongs_to_its_certificate_only(form: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(
        {"plain": key_pem(LEAF), "locked": key_pem(LEAF, SECRET), "p12": p12(LEAF)}[form]
    )
    halves = key_file(str(path), OPEN)

    assert public_key(LEAF.der) in halves
    assert public_key(SUB.der) not in halves


def test_a_key_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(key_pem(LEAF, SECRET))

    with pytest.raises(CaptureError, match="no private key"):
        key_file(str(path))


def test_roots_come_from_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_bytes(pem(ROOT))
    (tmp_path / "b.jks").write_bytes(jks(("x", (ROOT,)), ("y", (SUB,))))
    (tmp_path / "c.txt").write_bytes(b"nothing")

    assert len(trust_of([str(tmp_path)])) == 2
    assert len(trust_of([str(tmp_path / "a.pem")])) == 1
    with pytest.raises(CaptureError, match="holds no certificate"):
        trust_of([str(tmp_path / "c.txt")])


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="cannot be opened"):
        read_store(str(tmp_path / "absent"))


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("keytool") is None, reason="needs keytool")
@pytest.mark.parametrize("kind", ["JKS", "JCEKS", "PKCS12"])
def test_stores_that_java_writes_are_read(kind: str, tmp_path: Path) -> None:
    (tmp_path / "root.der").write_bytes(ROOT.der)
    command = ["keytool", "-importcert", "-noprompt", "-alias", "theroot", "-file", "root.der"]
    command += ["-keystore", "store", "-storetype", kind, "-storepass", SECRET.decode()]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    found = read_store(str(tmp_path / "store"), OPEN)

    assert found is not None
    assert [(held.label, held.der) for held in found.certificates] == [("theroot", ROOT.der)]
    assert not found.notes
