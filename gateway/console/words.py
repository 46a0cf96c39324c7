"""Words 用语 that the pages show for states, rungs and outcomes: Chinese first, English beside it."""

from __future__ import annotations

from typing import Final

STATES: Final = {
    "awaiting_approval": "待审核 awaiting approval",
    "accepted": "待播 accepted",
    "active": "播出中 on air",
    "ended": "已结束 ended",
    "rejected": "已驳回 rejected",
    "cancelled": "已取消 cancelled",
    "superseded": "已被更新 superseded",
    "expired": "已失效 expired",
}
RUNGS: Final = {
    "planned": "未送出 planned",
    "sent": "已发 sent",
    "acknowledged": "已应答 acknowledged",
    "playing": "播放中 playing",
    "played": "已播完 played",
}
OUTCOMES: Final = {
    "open": "进行中 open",
    "done": "完成 done",
    "refused": "终端拒绝 refused",
    "failed": "播放失败 failed",
    "unreachable": "无应答 no answer",
    "preempted": "被更高级别占用 preempted",
    "cancelled": "已取消 cancelled",
    "expired": "已过时 expired",
}
#: What a level is called beside its colour: the colour alone never says it.
LEVELS: Final = {0: "未知 unknown", 1: "Ⅰ级 红 red", 2: "Ⅱ级 橙 orange", 3: "Ⅲ级 黄 yellow", 4: "Ⅳ级 蓝 blue"}
LEVEL_NAMES: Final = {0: "unknown", 1: "red", 2: "orange", 3: "yellow", 4: "blue"}
ALARM_LEVELS: Final = {"critical": "危急 critical", "warning": "警告 warning", "notice": "提示 notice"}
LINK_STATES: Final = {"up": "正常 up", "down": "中断 down", "unknown": "未知 unknown"}
#: A village's best evidence; the sign stands where the colour does.
CLASSES: Final = {
    "proven": ("●", "已证实 proven"),
    "claimed": ("◐", "转报 claimed"),
    "sent": ("○", "已发 sent"),
    "none": ("✕", "未到达 not reached"),
}
REQUESTS: Final = {
    "done": "完成 done",
    "acknowledged": "已应答，未见值 acknowledged, no values",
    "sent": "已发 sent",
    "refused": "拒绝 refused",
    "silent": "无应答 no answer",
    "unsupported": "路由不支持 no word for it",
    "unreachable": "不可达 out of reach",
}
