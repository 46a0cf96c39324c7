"""Calls about the platform interface 平台接口, a part of the table of calls."""

from __future__ import annotations

from typing import Final

from gateway.api import packages
from gateway.api.models import Page
from gateway.api.routes import Need, Reply, Route

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
)
