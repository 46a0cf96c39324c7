"""One running gateway for each test module."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from gateway.daemon import Gateway
from tests.api.apikit import Api
from tests.gatewaykit import settings_for


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """A gateway with its keys; tests of a module share it and use identities of their own."""
    folder = tmp_path_factory.mktemp("gateway")
    async with Gateway(settings_for(folder)) as gateway, aiohttp.ClientSession() as client:
        made = Api(gateway, client)
        await made.add_keys()
        yield made
