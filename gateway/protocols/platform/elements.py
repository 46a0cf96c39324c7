"""Elements 元素 of business data: a dataclass declares them in table order; read tolerantly, written strictly.

A field is made by ``element(path, kind, need)``. The path may lead through elements that hold nothing else
(``SRC/EBRID``); fields that follow each other share them. Further paths are spellings that the field or the standard's
own samples use and that are read only; ``old`` is the draft's. ``kind`` is a value (``TEXT``, ``INT``) or a dataclass.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any, Final, Generic, TypeVar

from lxml import etree

from gateway.domain.rules import broken, shown
from gateway.domain.zone import BEIJING
from gateway.errors import InvalidValueError, Violation
from gateway.protocols.platform.ids import EbdId, Form, MessageId, PlatformCode

T = TypeVar("T")
_META: Final = "element"
_INT: Final = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_FLOAT: Final = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)
#: Broken rules told of one document: enough to mend it with.
_MOST_FAULTS: Final = 20


class Need(Enum):
    """How often an element stands."""

    #: once, always
    ONE = auto()
    #: written always; may be missing or empty when read
    LAX = auto()
    #: written where there is a value
    MAYBE = auto()
    #: any number
    MANY = auto()


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """A value that is text in XML. ``read`` raises ValueError with the rule."""

    read: Callable[[str], T]
    write: Callable[[T], str]


@dataclass(frozen=True, slots=True)
class _Spec:
    paths: tuple[str, ...]
    kind: Any
    need: Need
    old: str | None

    def path(self, form: Form) -> str:
        return self.old if form is Form.DRAFT and self.old is not None else self.paths[0]


def element(*paths: str, kind: Any, need: Need = Need.ONE, old: str | None = None) -> Any:
    """Declare a field; LAX and MAYBE ones are None, MANY ones empty, where nothing stands."""
    spec = _Spec(paths, kind, need, old)
    if need is Need.ONE:
        return dataclasses.field(metadata={_META: spec})
    return dataclasses.field(default=() if need is Need.MANY else None, metadata={_META: spec})


#: Fields of each class once they were asked for.
_declared: dict[Any, tuple[tuple[str, _Spec], ...]] = {}


def _specs(shape: Any) -> tuple[tuple[str, _Spec], ...]:
    found = _declared.get(shape)
    if found is None:
        found = _declared[shape] = tuple((f.name, f.metadata[_META]) for f in dataclasses.fields(shape))
    return found


# -- values


def _time(text: str) -> datetime:
    plain = text.replace("T", " ").partition(".")[0]
    try:
        return datetime.strptime(plain, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
    except ValueError:
        raise ValueError("must be YYYY-MM-DD HH:MM:SS, Beijing time") from None


def _int(text: str) -> int:
    if not _INT.fullmatch(text):
        raise ValueError("must be a whole number")
    return int(text)


def _float(text: str) -> float:
    if not _FLOAT.fullmatch(text):
        raise ValueError("must be a decimal number")
    return float(text)


def _counts(text: str) -> tuple[int, ...]:
    return tuple(map(_int, _list(text)))


def _list(text: str) -> tuple[str, ...]:
    # 全角逗号、顿号也见于实际数据: both commas are seen in the field.
    return tuple(part for part in (p.strip() for p in text.replace("，", ",").split(",")) if part)


def _clean(text: str) -> str:
    """What XML 1.0 can carry: a control character would make the whole package unreadable."""
    return "".join(c for c in text if c in "\t\n\r" or (c >= " " and not 0xD800 <= ord(c) < 0xE000 and c < "\ufffe"))


TEXT: Final = Kind(str, _clean)
INT: Final = Kind(_int, str)
FLOAT: Final = Kind(_float, lambda value: f"{value:.6f}".rstrip("0").rstrip("."))
#: 时间格式: aware on our side, Beijing wall time on theirs.
TIME: Final = Kind(_time, lambda value: f"{value.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}")
CODE: Final = Kind(PlatformCode, str)
PACKAGE: Final = Kind(EbdId, str)
MESSAGE: Final = Kind(MessageId, str)
#: a comma list
LIST: Final = Kind(_list, ",".join)
COUNTS: Final = Kind(_counts, lambda value: ",".join(map(str, value)))


@dataclass(frozen=True, slots=True)
class Extras:
    """扩展参数 Params: children of the sender's own choice, as (name, text)."""

    items: tuple[tuple[str, str], ...] = ()


# -- reading


class Faults:
    """Broken rules of one document, each by path."""

    def __init__(self) -> None:
        self.found: list[Violation] = []

    def add(self, path: str, code: str, chinese: str, english: str) -> None:
        """Note one, unless there are very many already."""
        if len(self.found) < _MOST_FAULTS:
            self.found.append(broken(path, code, chinese, english))


def local_name(node: etree._Element) -> str:
    """Name without its namespace."""
    return etree.QName(node).localname


def children(node: etree._Element, path: str) -> list[etree._Element]:
    """Elements under ``node`` by local names."""
    level = [node]
    for name in path.split("/"):
        level = [child for parent in level for child in parent if local_name(child) == name]
    return level


def read(shape: type[T], node: etree._Element, faults: Faults, form: Form, path: str = "") -> T:
    """Read one dataclass; what is missing or wrong is noted, and the value then of no use."""
    values = {name: _read_field(spec, node, faults, form, path) for name, spec in _specs(shape)}
    return shape(**values)


def _read_field(spec: _Spec, node: etree._Element, faults: Faults, form: Form, path: str) -> Any:
    found: list[etree._Element] = []
    spellings = (spec.path(form), *spec.paths, *([spec.old] if spec.old is not None else []))
    for name in dict.fromkeys(spellings):
        found = children(node, name)
        if found:
            break
    here = f"{path}/{spec.path(form)}".lstrip("/")
    if spec.need is Need.MANY:
        return tuple(_value(spec.kind, one, faults, form, f"{here}[{n}]") for n, one in enumerate(found, 1))
    # The standard's own sample prints EBDVersion twice: the first of several counts.
    if not found or (isinstance(spec.kind, Kind) and not (found[0].text or "").strip()):
        # Titles and remarks may be empty, for nothing hangs on them; what is read as a number, code or time may not.
        if found and spec.kind is TEXT and spec.need is Need.ONE:
            return ""
        if spec.need is Need.ONE:
            faults.add(here, "missing", "缺少该元素或内容为空", "is missing or empty")
        return None
    return _value(spec.kind, found[0], faults, form, here)


def _value(kind: Any, node: etree._Element, faults: Faults, form: Form, path: str) -> Any:
    if kind is Extras:
        return Extras(tuple((local_name(child), (child.text or "").strip()) for child in node))
    if not isinstance(kind, Kind):
        return read(kind, node, faults, form, path)
    text = (node.text or "").strip()
    try:
        return kind.read(text)
    except InvalidValueError as error:
        faults.add(path, "format", f"取值不合规定 {shown(text, 40)!r}", error.rule)
    except ValueError as error:
        faults.add(path, "format", f"取值不合规定 {shown(text, 40)!r}", str(error))
    return None


# -- writing


def write(value: Any, parent: etree._Element, form: Form) -> None:
    """Write a dataclass under ``parent``. Errors: InvalidValueError where a mandatory value is missing."""
    held: dict[str, etree._Element] = {}
    for name, spec in _specs(type(value)):
        found, path = getattr(value, name), spec.path(form)
        if found is None and spec.need is Need.ONE:
            raise InvalidValueError(path, found, "must not be missing")
        for one in _written(found, spec):
            node = _place(parent, path, held)
            if isinstance(one, Extras):
                for child, text in one.items:
                    etree.SubElement(node, child).text = _clean(text)
            elif isinstance(spec.kind, Kind):
                node.text = (spec.kind.write(one) or None) if one is not None else None
            elif one is not None:
                write(one, node, form)


def _written(found: Any, spec: _Spec) -> Iterator[Any]:
    if spec.need is Need.MANY:
        yield from found
    elif found is not None or spec.need is Need.LAX:
        yield found


def _place(parent: etree._Element, path: str, held: dict[str, etree._Element]) -> etree._Element:
    *through, last = path.split("/")
    for depth, name in enumerate(through, 1):
        key = "/".join(through[:depth])
        if key not in held or held[key] is not parent[-1]:
            held[key] = etree.SubElement(parent, name)
        parent = held[key]
    return etree.SubElement(parent, last)
