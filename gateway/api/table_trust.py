"""The calls about certificates 证书, a part of the table of calls."""

from __future__ import annotations

from typing import Final

from gateway.api import trust
from gateway.api.routes import Need, Reply, Route

_V1: Final = "/api/v1"

TRUST: Final = (
    Route(
        "GET",
        f"{_V1}/trust",
        trust.get_trust,
        "证书一览 every certificate that the gateway relies on, and how it stands",
        (Reply(200, "按根、编号排序 by root and number", trust.TrustReply),),
        need=Need.OPERATOR,
        words="到期前告警 certificate_expiry，见 docs/trust.md / alarms before the end: docs/trust.md.",
    ),
)
