"""The calls about certificates 证书, a part of the table of calls."""

from __future__ import annotations

from typing import Final

from gateway.api import trust, trust_lists, trust_rotation
from gateway.api.models import Page, PageQuery
from gateway.api.routes import JSON, Body, Need, Reply, Route

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
    Route(
        "GET",
        f"{_V1}/trust/application",
        trust_lists.get_application,
        "证书授权列表申请文件 the application for authorisation lists",
        (Reply(200, "XML，格式见 docs/trust.md its form: docs/trust.md", media_type=trust_lists.XML),),
        need=Need.OPERATOR,
        query=trust_lists.ApplicationQuery,
        problems=(409, 422),
        words="由证书与拓扑生成，交证书管理系统签名 / from certificates and topology, for the root to sign.",
    ),
    Route(
        "POST",
        f"{_V1}/trust/lists",
        trust_lists.post_lists,
        "导入已签名的授权列表 take signed authorisation lists",
        (Reply(200, "已保存并生效，全部或全不 kept and in force, all or none", trust_lists.ListsReply),),
        need=Need.OPERATOR,
        query=trust_lists.ListsQuery,
        takes=(
            Body(trust_lists.XML, None, "授权列表文件 a file of lists, docs/trust.md"),
            Body(trust_lists.BYTES, None, "GD/J 081 表 6 列表，首尾相接 lists of table 6, one behind the other"),
        ),
        problems=(400, 409, 413, 415, 422),
        words="每条不合格的规则都有名称 / every broken rule is named: docs/trust.md.",
    ),
    Route(
        "GET",
        f"{_V1}/trust/lists",
        trust_lists.get_lists,
        "各设备的授权列表及持有情况 which list each device is known to hold",
        (Reply(200, "一页，按编码 a page, by code", Page[trust_lists.HoldingBody]),),
        need=Need.OPERATOR,
        query=PageQuery,
        problems=(409, 422),
    ),
    Route(
        "GET",
        f"{_V1}/trust/publication",
        trust_lists.get_publication,
        "授权列表发布进度 how far the lists have come",
        (Reply(200, "各状态设备数 devices by how they stand", trust_lists.PublicationReply),),
        need=Need.OPERATOR,
        problems=(409,),
    ),
    Route(
        "POST",
        f"{_V1}/trust/publication",
        trust_lists.post_publication,
        "经所有链路发布授权列表 bring the lists to devices over every route",
        (Reply(202, "已开始 begun", trust_lists.PublicationReply),),
        need=Need.OPERATOR,
        takes=(Body(JSON, trust_lists.PublishBody, "可省略 may be left out", '{"again": false}'),),
        problems=(400, 409, 413, 415, 422),
        words="D 0x17，A 0x40/0x41，RDS 7、6，TS 0xFC；已自证持有者不重发 / who proved to hold its list is left out.",
    ),
    Route(
        "GET",
        f"{_V1}/trust/rotation",
        trust_rotation.get_rotation,
        "密钥更替进度 how far the next signing key has come",
        (Reply(200, "密钥与未持有者 the keys, and who does not hold the next", trust_rotation.RotationReply),),
        need=Need.OPERATOR,
        problems=(409,),
    ),
    Route(
        "POST",
        f"{_V1}/trust/rotation",
        trust_rotation.post_rotation,
        "改用下一密钥签名 sign with the next key from now on",
        (Reply(200, "已更替 done", trust_rotation.RotationReply),),
        need=Need.OPERATOR,
        takes=(Body(JSON, trust_rotation.RotateBody, "可省略 may be left out", '{"force": false}'),),
        problems=(400, 409, 413, 415, 422),
        words="所有设备自证持有前拒绝，除非 force 并说明原因 / refused until all are proven to hold it, unless forced.",
    ),
)
