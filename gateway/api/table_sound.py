"""The calls about sound that comes in 声音: what adapters send back, a part of the table of calls."""

from __future__ import annotations

from typing import Final

from gateway.api import monitor
from gateway.api.monitor import AUDIO
from gateway.api.routes import Need, Reply, Route

_V1: Final = "/api/v1"
_MONITOR: Final = f"{_V1}/monitor/{{stream}}"

SOUND: Final = (
    Route(
        "GET",
        f"{_V1}/monitor",
        monitor.list_monitors,
        "回传监听 streams that adapters send back of what they play, and what was measured",
        (Reply(200, "正在接收的在前 those that run first", monitor.MonitorsReply),),
        need=Need.OPERATOR,
        words="只说明适配器播了什么，不证明其后终端播出 / it proves nothing about terminals behind the adapter.",
    ),
    Route(
        "GET",
        f"{_MONITOR}/listen",
        monitor.listen,
        "监听 listen to a stream while it runs",
        (Reply(200, "mp3 流，任务结束即止 mp3 until the task ends", None, AUDIO),),
        need=Need.OPERATOR,
        problems=(404,),
        counted=False,
    ),
    Route(
        "GET",
        f"{_MONITOR}/recordings",
        monitor.list_recordings,
        "监听录音 recordings of a stream, also of one that is over",
        (Reply(200, "按先后排序 in their order", monitor.RecordingsReply),),
        need=Need.OPERATOR,
        problems=(404,),
    ),
    Route(
        "GET",
        f"{_MONITOR}/recordings/{{name}}",
        monitor.get_recording,
        "下载录音 one recording",
        (Reply(200, "mp3", None, AUDIO),),
        need=Need.OPERATOR,
        problems=(404,),
        counted=False,
    ),
)
