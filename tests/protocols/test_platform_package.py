"""Packages and their signatures: real tars, hostile tars, exact bytes."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.codes import CertificateSerial
from gateway.errors import PackageError, PackageUnreadable, SignatureInvalid
from gateway.protocols.platform import signing
from gateway.protocols.platform.ids import EbdId, Form
from gateway.protocols.platform.package import PackageLimits, build_package, read_package
from gateway.security.coverage import Coverage, SignatureBlock, signed_bytes
from gateway.security.sm2 import default_provider
from gateway.security.sm3 import sm3
from tests.protocols.platform_kit import BUSINESS, EBM_TAR, EXAMPLES, MANIFEST, SAMPLES, SIGNED, public_key, tar

EBDB = ("EBDB_1.xml", b"<EBD/>")


def read(data: bytes, **limits: int) -> list[str]:
    package = read_package(io.BytesIO(data), PackageLimits(**limits))
    found = [package.business, package.signature, package.information, package.information_signature]
    return [member.name for member in (*found, *package.others) if member is not None]


def refusal(data: bytes, **limits: int) -> str:
    with pytest.raises(PackageUnreadable) as refused:
        read(data, **limits)
    assert refused.value.result == 2 and refused.value.chinese and refused.value.english
    return refused.value.code


def test_a_package_is_taken_apart_without_a_change_to_its_bytes() -> None:
    package = read_package(io.BytesIO(EBM_TAR))
    assert package.signature is not None
    assert package.document(package.business) == BUSINESS["01_EBM_play"]
    assert package.document(package.signature) == (SAMPLES / "01_EBM_play.EBDS.xml").read_bytes()
    sound = package.resource("EBDR_350524_20261123_0001.mp3")
    assert sound is not None and sound.size == 12_000
    assert package.digest(sound).hex().encode() in BUSINESS["01_EBM_play"]
    assert package.resource("EBDR_none.mp3") is None


def test_a_package_of_ours_is_opened_by_any_reader_of_tars() -> None:
    data = build_package([EBDB, ("EBDR_音频.mp3", b"x" * 5000)], 1_700_000_000)
    assert data[257:263] == b"ustar\0"
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert archive.getnames() == ["EBDB_1.xml", "EBDR_音频.mp3"]
    assert read(data) == ["EBDB_1.xml", "EBDR_音频.mp3"]


def test_every_kind_of_file_has_its_place() -> None:
    names = ["EBDB_1.xml", "EBDS_EBDB_1.xml", "EBDI_2.xml", "EBDS_EBDI_2.xml", "EBDR_a.mp3", "readme.txt"]
    assert read(tar(*((name, b"x") for name in reversed(names)))) == [*names[:4], *reversed(names[4:])]


@pytest.mark.parametrize("archive_format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_long_and_chinese_names_are_read_in_every_dialect_of_tar(archive_format: int) -> None:
    name = "EBDR_" + "长" * (20 if archive_format == tarfile.USTAR_FORMAT else 60) + ".mp3"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=archive_format) as archive:
        for each, content in (EBDB, (name, b"sound")):
            info = tarfile.TarInfo(each)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    assert read(out.getvalue()) == ["EBDB_1.xml", name]


def test_names_of_gbk_systems_and_of_the_current_folder_are_read() -> None:
    data = tar(("./EBDB_1.xml", b"<EBD/>"), ("EBDR_xxxx.mp3", b""))
    plain, chinese = b"EBDR_xxxx.mp3", "EBDR_音频.mp3".encode("gb18030")
    block = data.index(plain) // 512 * 512
    header = bytearray(data[block : block + 512])
    header[: len(plain)] = chinese
    header[148:156] = b"        "
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    assert read(data[:block] + bytes(header) + data[block + 512 :]) == ["EBDB_1.xml", "EBDR_音频.mp3"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "no_tar"),
        (b"plain words" * 100, "no_tar"),
        (b"\0" * 10_240, "no_tar"),
        (b"\x1f\x8b\x08" + b"\0" * 600, "no_tar"),
        (tar(("EBDS_EBDB_1.xml", b"")), "ebdb_count"),
        (tar(EBDB, ("EBDB_2.xml", b"")), "ebdb_count"),
        (tar(EBDB, EBDB), "name_twice"),
        (tar(EBDB, ("EBDS_EBDB_1.xml", b""), ("EBDS_EBDB_2.xml", b"")), "file_twice"),
        (tar(("/EBDB_1.xml", b"")), "member_name"),
        (tar(("../EBDB_1.xml", b"")), "member_name"),
        (tar(("a/EBDB_1.xml", b"")), "member_name"),
        (tar(("..\\EBDB_1.xml", b"")), "member_name"),
        (tar(("EBDB_\x1b[2J.xml", b"")), "member_name"),
        (tar(("EBDB_1.xml", b""), type=tarfile.SYMTYPE, linkname="/etc/passwd"), "member_kind"),
        (tar(("EBDB_1.xml", b""), type=tarfile.LNKTYPE, linkname="EBDB_2.xml"), "member_kind"),
        (tar(("EBDB_1.xml", b""), type=tarfile.CHRTYPE), "member_kind"),
        (tar(("EBDB_1.xml", b""), type=tarfile.FIFOTYPE), "member_kind"),
        (tar(("EBDB_1.xml", b""), type=tarfile.DIRTYPE), "member_kind"),
        (tar(("EBDB_1.xml", b""), type=tarfile.GNUTYPE_SPARSE), "member_kind"),
        (tar(EBDB, *((f"EBDR_{n}.mp3", b"") for n in range(300))), "too_many"),
        (tar(("EBDB_1.xml", b"x" * 5000))[:2048], "cut"),
        (tar(EBDB)[:300], "no_tar"),
        (tar(EBDB, ("EBDR_" + "a" * 90, b""))[:512] + b"junk" * 256, "tar_header"),
    ],
)
def test_a_hostile_or_broken_tar_is_code_2_in_words(data: bytes, code: str) -> None:
    assert refusal(data) == code


def test_a_size_that_is_no_size_is_refused() -> None:
    for size in (b"\x80" + b"\xff" * 11, b"\xff" * 12, b"77777777777\0"):
        header = bytearray(tar(EBDB)[:512])
        header[124:136] = size
        header[148:156] = b"        "
        header[148:156] = f"{sum(header):06o}\0 ".encode()
        assert refusal(bytes(header) + b"\0" * 2048) in ("cut", "tar_header", "no_tar")


def test_a_document_beyond_its_limit_is_refused_when_it_is_asked_for() -> None:
    package = read_package(io.BytesIO(tar(EBDB, ("EBDS_EBDB_1.xml", b" " * 70_000))))
    assert package.signature is not None
    with pytest.raises(PackageUnreadable, match="65536"):
        package.document(package.signature)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_tar_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    raw = bytearray(EBM_TAR[:4608])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.sampled_from([0, 512, 2560, 3072, 4096])) + data.draw(st.integers(0, 511))
        raw[at] = data.draw(st.integers(0, 255))
    mended = bytes(raw)
    if data.draw(st.booleans()):
        # With a right checksum the reader gets further.
        for block in (0, 2560, 3584):
            header = bytearray(mended[block : block + 512])
            header[148:156] = b"        "
            header[148:156] = f"{sum(header):06o}\0 ".encode()
            mended = mended[:block] + bytes(header) + mended[block + 512 :]
    try:
        package = read_package(io.BytesIO(mended + b"\0" * 14_000))
        package.document(package.business)
    except PackageError as refused:
        assert refused.result == 2


_FLAT = """
import io, resource, tarfile, tempfile
from gateway.errors import PackageError
from gateway.protocols.platform.package import read_package

def header(name, size, kind):
    info = tarfile.TarInfo(name); info.size = size; info.type = kind
    return info.tobuf(tarfile.USTAR_FORMAT)

BIG = 100 * 1024 * 1024
with tempfile.TemporaryFile() as file:
    def package(*parts):
        file.seek(0); file.truncate()
        for part in parts:
            file.write(part) if isinstance(part, bytes) else file.seek(part, 1)
        file.write(b"\\0" * 1024)
        try:
            found = read_package(file)
            return [found.digest(m).hex() for m in found.others]
        except PackageError as refused:
            return refused.code
    package(header("EBDB_1.xml", 0, b"0"), header("EBDR_1.mp3", 512, b"0"), b"x" * 512)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(package(header("EBDB_1.xml", 0, b"0"), header("EBDR_1.mp3", BIG, b"0"), BIG)) == 1
    assert package(header("././@PaxHeader", BIG, b"x"), BIG, header("EBDB_1.xml", 0, b"0")) == "tar_header"
    assert package(header("././@LongLink", BIG, b"L"), BIG, header("EBDB_1.xml", 0, b"0")) == "tar_header"
    assert package(*[header("EBDB_1.xml", 0, b"0")] * 200_000) in ("too_many", "name_twice")
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_100_megabytes_are_read_in_flat_memory() -> None:
    done = subprocess.run([sys.executable, "-c", _FLAT], capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout) <= 16, f"{done.stdout.strip()} MB"


# -- signatures


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("coverage", [Coverage.A, Coverage.B])
def test_both_coverages_of_every_sample_verify_over_its_exact_bytes(name: str, coverage: Coverage) -> None:
    facts = SIGNED[name]
    value = facts[f"variant{coverage}"]
    found = signing.parse(f"<Signature><SignatureValue>{value}</SignatureValue></Signature>".encode())
    data, key = BUSINESS[name], public_key("city" if facts["ebdid"][2] == "3" else "county")
    verify = default_provider().verify
    assert verify(key, signed_bytes(data, found.block, coverage), found.block.value)
    assert not verify(key, signed_bytes(data + b"\n", found.block, coverage), found.block.value)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.EBDS.xml")), ids=lambda p: p.name)
def test_a_signature_file_is_rebuilt_to_the_byte(path: object) -> None:
    data = path.read_bytes()  # type: ignore[attr-defined]
    found = signing.parse(data)
    assert found.ebd_id is not None
    assert signing.build(Form.GDJ_2018, found.block, ebd_id=EbdId(found.ebd_id)) == data


def test_the_samples_of_the_standard_are_read() -> None:
    one, three = (signing.parse((EXAMPLES / f"GDJ081-2018_0{n}_Signature.xml").read_bytes()) for n in (1, 3))
    # Their value bears the number 0x42 and a counter; the XML says another.
    assert one.block.certificate == three.block.certificate == "000000000042"
    assert one.block.sig_time == three.block.sig_time == 0x9DD
    assert one.ebd_id == "100102320000000000010000000000000943" and len(three.information) == 3


BLOCK = SignatureBlock(1_792_000_000, CertificateSerial("000000001001"), bytes(range(64)))


@pytest.mark.parametrize("dirt", ["&#x0;", "&#x00;&#0;", "\x00\x00", "&#x0;" * 500, "\r\n \t"])
def test_what_signers_leave_in_their_files_is_passed_over(dirt: str) -> None:
    data = signing.build(Form.GDJ_2018, BLOCK, ebd_id=EbdId("1" * 41))
    for mark in (b"</SignatureValue>", b"</CertSN>", b"</EBDID>"):
        assert signing.parse(data.replace(mark, dirt.encode() + mark)).block == BLOCK


def test_the_draft_has_a_signature_file_of_its_own() -> None:
    data = signing.build(Form.DRAFT, BLOCK, ebd_id=EbdId("1" * 36))
    assert b"<IssuerID>" in data and b"<SignatureTime>%x<" % 1_792_000_000_000 in data
    assert signing.parse(data) == signing.SignatureFile(BLOCK, "1" * 36)


def test_the_signature_of_an_information_body_names_it() -> None:
    data = signing.build(Form.GDJ_2018, BLOCK, information=("1" * 40,))
    assert signing.parse(data) == signing.SignatureFile(BLOCK, None, ("1" * 40,))


@pytest.mark.parametrize(
    "value",
    ["", "!!!", "AAAA", base64.b64encode(bytes(73)).decode(), base64.b64encode(bytes(75)).decode(), "é" * 99],
)
def test_a_value_that_is_no_signature_is_refused(value: str) -> None:
    with pytest.raises(SignatureInvalid):
        signing.parse(f"<Signature><SignatureValue>{value}</SignatureValue></Signature>".encode())


@pytest.mark.parametrize("data", [b"", b"<Signature>", b"<EBD/>", b"<!DOCTYPE a><Signature/>", b"<Signature/>"])
def test_a_file_that_is_no_signature_file_is_refused(data: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        signing.parse(data)


def test_the_digest_of_the_manifest_is_sm3() -> None:
    assert all(sm3(BUSINESS[name]).hex() == facts["sm3"] for name, facts in MANIFEST["ebd"].items())
