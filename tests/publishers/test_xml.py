from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import WarningError, WarningUnparseable
from gateway.publishers.parse import parse_warning
from gateway.publishers.profile import Limits
from gateway.publishers.xml import read_xml

LIMITS = Limits()


def refusal(data: bytes, limits: Limits = LIMITS, charset: str = "") -> str:
    with pytest.raises(WarningUnparseable) as refused:
        read_xml(data, limits, charset)
    return refused.value.violations[0].code


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"\x00" * 100, "empty"),
        (b"plain words", "not_well_formed"),
        (b"<a><b></a>", "not_well_formed"),
        (b"<a>&#0;</a>", "not_well_formed"),
        (b"<a>x\x00y</a>", "not_well_formed"),
        (b"<c:a/>", "not_well_formed"),
        (b"<a>&unknown;</a>", "entities"),
        (b"<!DOCTYPE a><a/>", "doctype"),
        (b'<?xml version="1.0"?><!-- x --><?p i?>\n <!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "doctype"),
        (b'<?xml version="1.0" encoding="EBCDIC-CP-US"?><a/>', "encoding"),
        (b'<?xml version="1.0" encoding="UTF-8"?><a>\xd6\xd0</a>', "encoding"),
        (b'<?xml version="1.0" encoding="us-ascii"?><a>\xe4</a>', "encoding"),
        (b"\xff\xfe<\x00a", "encoding"),
        (b"<a>" * 40 + b"</a>" * 40, "too_deep"),
        (b"<a>" * 300 + b"</a>" * 300, "too_deep"),
        (b"<a>" + b"<b/>" * 20_000 + b"</a>", "too_many_elements"),
        (b"<a " + b" ".join(b'b%d="1>"' % n for n in range(3000)) + b"/>", "too_large"),
        (b"<a>" + b"x" * (2 * 1024 * 1024) + b"</a>", "too_large"),
    ],
)
def test_each_fault_has_its_code(data: bytes, code: str) -> None:
    assert refusal(data) == code


def test_a_doctype_hidden_in_utf_16_is_found() -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    assert refusal(text.encode("utf-16")) == "doctype"
    assert refusal(text.encode("utf-16-be")) == "doctype"


def test_a_doctype_quoted_in_text_is_only_text() -> None:
    root = read_xml(b"<a><![CDATA[<!DOCTYPE html><!ENTITY x>]]></a>", LIMITS)
    assert root.text == "<!DOCTYPE html><!ENTITY x>"


@pytest.mark.parametrize("name", ["GB18030", "gbk", "GB2312", "utf-8", "UTF-16"])
def test_chinese_encodings_are_read(name: str) -> None:
    data = f'<?xml version="1.0" encoding="{name}"?><a>台风蓝色预警</a>'.encode(name)
    assert read_xml(data, LIMITS).text == "台风蓝色预警"


def test_gb18030_reaches_beyond_the_basic_plane() -> None:
    assert read_xml('<?xml version="1.0" encoding="GB18030"?><a>𠮷</a>'.encode("gb18030"), LIMITS).text == "𠮷"


def test_mark_declaration_and_charset_rank_in_this_order() -> None:
    assert read_xml(b"\xef\xbb\xbf<a>\xe4\xb8\xad</a>", LIMITS, "gbk").text == "中"
    declared = '<?xml version="1.0" encoding="gbk"?><a>中</a>'.encode("gbk")
    assert read_xml(declared, LIMITS, "utf-8").text == "中"
    assert read_xml("<a>中</a>".encode("gbk"), LIMITS, "gbk").text == "中"


def test_comments_and_instructions_do_not_cut_a_text() -> None:
    assert read_xml(b"<a>ab<!-- no -->cd<?no no?>e<![CDATA[f]]></a>", LIMITS).text == "abcdef"


@given(st.binary(max_size=400) | st.text("<>&;!?-[]a/ =\"'", max_size=200).map(str.encode))
def test_noise_is_refused_or_read_and_nothing_else(noise: bytes) -> None:
    for data in (noise, b"<a>" + noise + b"</a>"):
        try:
            root = read_xml(data, LIMITS)
        except WarningUnparseable as refused:
            assert refused.violations
        else:
            assert isinstance(root, etree._Element)


@given(st.binary(max_size=300), st.sampled_from(["application/xml", "application/json", "text/xml; charset=gbk"]))
def test_no_body_raises_anything_but_a_warning_error(noise: bytes, media_type: str) -> None:
    with pytest.raises(WarningError):
        parse_warning(noise, media_type)


_ATTACKS = r"""
import re
from pathlib import Path
from gateway.errors import WarningError
from gateway.publishers.parse import guess_media_type, parse_warning

SIZE = 2 * 1024 * 1024
HEAD = b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
CHILDREN = [b"<a/>", b'<a xmlns:b="u"/>', b"<!---->", b"<?a?>", b"<![CDATA[]]>x", b"&#65;", b"&a;", b"<info/>", b"x"]

def refused(data):
    try:
        parse_warning(data, guess_media_type(data))
    except WarningError:
        return
    raise SystemExit("accepted: %r" % data[:60])

def peak():
    # Of this process image alone: ru_maxrss also remembers the parent that started it.
    return int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1])

refused(HEAD + b"x" * (SIZE - 100) + b"</alert>")
before = peak()
for path in sorted(Path("tests/data/warnings/xml-attacks").iterdir()):
    refused(path.read_bytes())
for path in sorted(Path("tests/data/warnings/invalid").iterdir()):
    refused(path.read_bytes())
for child in CHILDREN:
    refused(HEAD + child * ((SIZE - 100) // len(child)) + b"</alert>")
refused(b"<a>" * (SIZE // 3))
refused(b"<" * SIZE)
refused(b"<!--" * (SIZE // 4))
refused(b"<a " + b" ".join(b'a%d=">"' % n for n in range(150000)) + b"/>")
refused(b"[" * SIZE)
refused(b'{"polygons":[' + b"[]," * (SIZE // 3 - 20) + b"[]]}")
refused(b'{"polygons":[[' + b",".join(b'["a","b"]' for n in range(100000)) + b"]]}")
refused(b"{" + b",".join(b'"a%d":1' % n for n in range(100000)) + b"}")
refused(b'{"sender":' + b"9" * (SIZE - 20) + b"}")
entities = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 30))
refused(b"<!DOCTYPE a [" + entities + b"]><a>&e29;</a>")
print((peak() - before) // 1024)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
def test_attacks_are_refused_in_flat_memory() -> None:
    done = subprocess.run([sys.executable, "-c", _ATTACKS], capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout) <= 48, f"{done.stdout.strip()} MB"
