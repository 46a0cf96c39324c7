"""Certificates and authorisation lists 证书与授权列表 of the settings (GD/J 081-2018)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.settings.base import Section


class TrustSection(Section):
    """How certificates are watched; which ones there are stands in ``[signing] trust_file``."""

    #: days before the end of a certificate from which an alarm says so
    expiry_warning_days: Annotated[float, Field(ge=1, le=3650)] = 60.0
