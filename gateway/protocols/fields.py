"""Fields that several appendices share, and the bridge between construct's declarations and our types.

Layouts are declared with construct; its untyped containers and its exceptions end in this module. Values keep the bytes
they came from, so whatever was read can be written again to the byte.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar, cast

import construct

from gateway.domain.codes import CertificateSerial, EbmId, ResourceCode
from gateway.errors import InvalidValueError, MalformedFrame

T = TypeVar("T")

U8 = construct.Int8ub
U16 = construct.Int16ub
U32 = construct.Int32ub
#: Seconds since 1970-01-01 UTC as the frame holds them; table E.10 may count Beijing time (a setting of the peer).
UNIX_TIME = U32
REST = construct.GreedyBytes


def text_of(raw: bytes) -> str:
    """Return device text for people: UTF-8, else GB 18030; padding dropped, control characters replaced.

    The tables name no charset. GBK is hardly ever valid UTF-8, and where it is, by its pairs of bytes alone: such text
    would be of letters that no Chinese device sends (忙 in GBK reads æ).
    """
    stripped = raw.rstrip(b"\0")
    try:
        text = stripped.decode("utf-8")
    except UnicodeDecodeError:
        text = stripped.decode("gb18030", errors="replace")
    else:
        if any("\x80" <= char <= "\u07ff" for char in text):
            text = stripped.decode("gb18030", errors="replace")
    return harmless(text)


def harmless(text: str) -> str:
    """Return device text without control characters; the wide space of Chinese texts is none."""
    return "".join(char if char.isprintable() or char == "\u3000" else "\ufffd" for char in text)


@dataclass(frozen=True, slots=True)
class _WireDigits:
    """Digits packed two to a byte. The long forms begin with a reserved nibble, which is kept but has no meaning."""

    raw: bytes
    long_form: ClassVar[int] = 0

    @property
    def text(self) -> str:
        """Digits without the reserved nibble; A-F where a broken device sent them."""
        digits = self.raw.hex().upper()
        return digits[1:] if len(self.raw) == self.long_form else digits

    @classmethod
    def of(cls, digits: str) -> Self:
        """Pack ``digits``; an odd number of them gets the reserved nibble F in front (GD/J 089-2018 table D.3)."""
        return cls(bytes.fromhex(digits if len(digits) % 2 == 0 else "F" + digits))


@dataclass(frozen=True, slots=True)
class WireCode(_WireDigits):
    """资源编码 as on the wire: 12 bytes (GD/J 089-2018 table D.3), or 9 in the profile of the drafts."""

    long_form: ClassVar[int] = 12

    @property
    def digits(self) -> str | None:
        """Digits of the code, or None for all-zero bytes, which some devices send for "no code"."""
        return self.text if any(self.raw) else None

    @property
    def code(self) -> ResourceCode | None:
        """The code, or None when there is none or a digit is not decimal."""
        digits = self.digits
        if digits is None or len(digits) != ResourceCode.length or not digits.isdecimal():
            return None
        return ResourceCode(digits)


#: "No code": what a terminal may put as target of its heartbeat.
NO_CODE = WireCode(bytes(12))


@dataclass(frozen=True, slots=True)
class WireEbmId(_WireDigits):
    """应急广播消息编码 as on the wire: 18 bytes (GD/J 082-2018 table 2), or 15 in the profile of the drafts."""

    long_form: ClassVar[int] = 18

    @property
    def ebm_id(self) -> EbmId | None:
        """The id, or None when a digit is not decimal or the id is of the short form."""
        digits = self.text
        return EbmId(digits) if len(digits) == EbmId.length and digits.isdecimal() else None


def adapt(subcon: Any, decode: Callable[[Any], Any], encode: Callable[[Any], Any]) -> Any:
    """Declare a field whose value is ``decode`` of what ``subcon`` reads, and back."""
    return construct.ExprAdapter(subcon, lambda obj, _: decode(obj), lambda obj, _: encode(obj))


def counted(count: Any, item: Any) -> Any:
    """Declare a number of items and the items themselves, as a tuple."""
    return adapt(construct.PrefixedArray(count, item), tuple, list)


def sized(length: Any, content: Any = REST) -> Any:
    """Declare a length in bytes and as many bytes of ``content``, which must use all of them."""
    whole = content if content is REST else construct.FocusedSeq("value", "value" / content, construct.Terminated)
    return construct.Prefixed(length, whole)


def count_of(items: str, number: Any = U8) -> Any:
    """Declare the number of ``items``, another field of the same record: counted anew when written."""
    return construct.Rebuild(number, lambda ctx: len(ctx[items]))


def wire_code(size: Any) -> Any:
    """Declare a resource code of ``size`` bytes (a number, or what construct computes it from)."""
    return adapt(construct.Bytes(size), WireCode, lambda code: code.raw)


def wire_codes(count: str, size: str) -> Any:
    """Declare as many codes as field ``count`` says, each of as many bytes as field ``size`` says."""
    return adapt(construct.Array(construct.this[count], wire_code(lambda ctx: ctx[size])), tuple, list)


def wire_ebm_id(size: int) -> Any:
    """Declare an EBM id of ``size`` bytes."""
    return adapt(construct.Bytes(size), WireEbmId, lambda ebm: ebm.raw)


CODE = wire_code(12)
EBM_ID = wire_ebm_id(18)
#: 事件类型: five characters; Latin-1 so that bytes outside ASCII come back as they were.
EVENT = adapt(construct.Bytes(5), lambda raw: raw.decode("latin-1"), lambda text: text.encode("latin-1"))
#: 证书编号: written in hexadecimal, because 081 counts it as a number and 089 as decimal digits.
CERTIFICATE_SERIAL = adapt(construct.Bytes(6), lambda raw: CertificateSerial(raw.hex()), bytes.fromhex)
#: A code with its length before it.
SIZED_CODE = sized(U8, adapt(REST, WireCode, lambda code: code.raw))
IPV4 = adapt(
    construct.Bytes(4), lambda raw: ".".join(map(str, raw)), lambda text: bytes(int(part) for part in text.split("."))
)


@dataclass(frozen=True, slots=True)
class Layout(Generic[T]):
    """A declared layout and the type it gives; construct's own exceptions never pass it."""

    name: str
    con: Any

    def parse(self, data: bytes, *, offset: int = 0) -> T:
        """Read a ``T`` that fills ``data`` to its end; ``offset`` is where ``data`` begins in the frame.

        Raises MalformedFrame with the path of the field.
        """
        stream = io.BytesIO(data)
        try:
            value: T = self.con.parse_stream(stream)
        except construct.ConstructError as error:
            raise MalformedFrame(f"{_path(self.name, error)}: {_rule(error)}", offset=offset + stream.tell()) from None
        if stream.tell() != len(data):
            left = len(data) - stream.tell()
            raise MalformedFrame(f"{self.name}: {left} bytes after its last field", offset=offset + stream.tell())
        return value

    def fits(self, data: bytes) -> T | None:
        """Read a ``T`` that fills ``data``, or return None."""
        try:
            return self.parse(data)
        except MalformedFrame:
            return None

    def build(self, value: T) -> bytes:
        """Write ``value``; raise InvalidValueError naming the field whose value does not fit its place."""
        try:
            built: bytes = self.con.build(value)
        except construct.ConstructError as error:
            raise InvalidValueError(_path(self.name, error), value, _rule(error)) from None
        except InvalidValueError:
            raise
        except (ValueError, UnicodeError) as error:
            raise InvalidValueError(self.name, value, str(error)) from None
        return built


def record(cls: type[T], **fields: Any) -> Layout[T]:
    """Declare the layout of dataclass ``cls``: its fields in the order in which they stand in the frame.

    What the frame holds beyond the fields of ``cls`` is a number or mark that construct makes by itself.
    """
    known = {field.name for field in dataclasses.fields(cast("Any", cls))}
    names = tuple(name for name in fields if name in known)
    return _layout_of(cls, names, construct.Struct(*(name / con for name, con in fields.items())))


def bit_record(cls: type[T], **fields: Any) -> Layout[T]:
    """Declare the layout of dataclass ``cls`` whose fields are declared in bits; all together fill whole bytes."""
    return _layout_of(cls, tuple(fields), construct.BitStruct(*(name / con for name, con in fields.items())))


def _layout_of(cls: type[T], names: tuple[str, ...], struct: Any) -> Layout[T]:
    return Layout(
        cls.__name__,
        adapt(
            struct, lambda obj: cls(**{n: obj[n] for n in names}), lambda value: {n: getattr(value, n) for n in names}
        ),
    )


def _path(name: str, error: construct.ConstructError) -> str:
    """Return the path of the field that broke, without construct's own steps."""
    parts = (error.path or "").split(" -> ")[1:]
    return ".".join([name, *(part for part in parts if part not in ("items", "value"))])


def _rule(error: construct.ConstructError) -> str:
    """Return construct's sentence without the path line it puts in front."""
    lines = [line for line in str(error).splitlines() if line and not line.startswith("Error in path")]
    return lines[0] if lines else type(error).__name__
