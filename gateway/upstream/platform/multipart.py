"""The package of a request: the first part whose file name ends in .tar, streamed to disk (platform.md 4.1)."""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path
from typing import BinaryIO, Final, cast

import aiohttp
from aiohttp import web

from gateway.errors import PackageUnreadable, UnsupportedMediaError

#: Packages up to this size are not written to disk.
_IN_MEMORY: Final = 1 << 20
#: Parts before the package: some vendors send a comment, and nobody sends ten.
_PARTS: Final = 10
_SUBTYPE: Final = re.compile(r"^\s*multipart/[^;\s]+", re.IGNORECASE)
#: Quotes of any kind: the sample of the standard is printed with typographic ones.
_FILE_NAME: Final = re.compile(r"""filename\s*=\s*(?:["“”„«»']+([^"“”„«»']*)["“”„«»']|([^\s;]+))""", re.IGNORECASE)


class TooLarge(PackageUnreadable):
    """The request holds more than is taken (HTTP 413)."""


async def package_of(request: web.Request, folder: Path, limit: int) -> BinaryIO:
    """The tar of a request as a file that the caller closes; ``limit`` in bytes, ``folder`` for what is large.

    Errors: UnsupportedMediaError where the body is not multipart/form-data; TooLarge; PackageUnreadable where no part
    is a package, or the body breaks off.
    """
    if not request.content_type.startswith("multipart/"):
        raise UnsupportedMediaError(request.content_type, ("multipart/form-data",))
    if request.content_length is not None and request.content_length > limit:
        raise _too_large(limit)
    left, named = limit, False
    try:
        # As multipart/mixed: aiohttp would otherwise read the names of form fields itself, and warn of other quotes.
        kind = _SUBTYPE.sub("multipart/mixed", request.headers["Content-Type"])
        reader = aiohttp.MultipartReader({"Content-Type": kind}, request.content)
        for _ in range(_PARTS):
            part = await reader.next()
            if part is None:
                break
            if not isinstance(part, aiohttp.BodyPartReader):
                raise PackageUnreadable("nested", "多段内容不得嵌套", "a part must not hold parts itself")
            name = file_name(part.headers.get("Content-Disposition", ""))
            named = named or bool(name)
            if name.lower().endswith(".tar"):
                return await _streamed(part, folder, left)
            left -= await _passed_over(part, left)
    except (ValueError, AssertionError, aiohttp.ClientPayloadError, aiohttp.http.HttpProcessingError) as error:
        raise PackageUnreadable("multipart", "多段内容损坏或中断", f"the multipart body is broken: {error}") from None
    if named:
        raise PackageUnreadable("no_package", "没有扩展名为 .tar 的文件", "no part has a file name that ends in .tar")
    raise PackageUnreadable(
        "no_file_name", "缺少文件名 filename (GD/J 083-2018 5.4)", "no part has a filename in its Content-Disposition"
    )


def file_name(disposition: str) -> str:
    """File name of a part, by its Content-Disposition; empty where it has none."""
    raw = disposition.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    found = _FILE_NAME.search(raw)
    return (found[1] or found[2] or "").strip() if found else ""


async def _streamed(part: aiohttp.BodyPartReader, folder: Path, limit: int) -> BinaryIO:
    file = cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(folder)))  # noqa: SIM115 - the caller closes it
    size = 0
    try:
        while chunk := await part.read_chunk(1 << 16):
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            # Small packages stay in memory; what goes to disk must not stop the loop.
            if size <= _IN_MEMORY:
                file.write(chunk)
            else:
                await asyncio.to_thread(file.write, chunk)
        if not part.at_eof():
            raise PackageUnreadable("cut", "数据包传输中断", "the package breaks off")
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


async def _passed_over(part: aiohttp.BodyPartReader, limit: int) -> int:
    size = 0
    while chunk := await part.read_chunk(1 << 16):
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
    return size


def _too_large(limit: int) -> TooLarge:
    return TooLarge("too_large", f"请求超过 {limit} 字节", f"the request holds more than {limit} bytes")
