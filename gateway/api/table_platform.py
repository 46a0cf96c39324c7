"""Calls about the platform interface 平台接口 and the registry as a file, a part of the table of calls."""

from __future__ import annotations

from typing import Final

from gateway.api import packages, registry
from gateway.api.models import Page
from gateway.api.routes import Body, Need, Reply, Route
from gateway.dispatch.registry_sheet import CSV, XLSX

_V1: Final = "/api/v1"

PLATFORM: Final = (
    Route(
        "GET",
        f"{_V1}/platform/packages",
        packages.list_packages,
        "平台数据包 packages to and from peers (GD/J 083), newest first",
        (Reply(200, "一页 a page", Page[packages.PackageItem]),),
        need=Need.OPERATOR,
        query=packages.PackagesQuery,
        problems=(422,),
    ),
    Route(
        "GET",
        f"{_V1}/registry",
        registry.export_registry,
        "台账文件 the registry as a file",
        (Reply(200, "CSV", None, CSV), Reply(200, "XLSX", None, XLSX)),
        need=Need.OPERATOR,
        query=registry.ExportQuery,
        problems=(422,),
    ),
    Route(
        "POST",
        f"{_V1}/registry",
        registry.import_registry,
        "导入台账文件，可先核对 a registry file is tried, or put in",
        (Reply(200, "新增与变更 what is new, and what changes", registry.RegistryReply),),
        need=Need.OPERATOR,
        takes=(
            Body(CSV, None, "台账文件 a registry file"),
            Body(XLSX, None, "同上，第一张表，编码须为文本 the same, first sheet, codes as text"),
        ),
        query=registry.RegistryQuery,
        problems=(409, 413, 415, 422),
    ),
)
