"""The calls about sound 声音, out and in: programmes, recorded files, what adapters send back; a part of the table."""

from __future__ import annotations

from typing import Final

from gateway.api import live, monitor, recordings, sound
from gateway.api.models import AcceptanceBody
from gateway.api.routes import JSON, Body, Need, Reply, Route
from gateway.api.sound import AUDIO
from gateway.programmes.live_forms import SUPPORTED

_V1: Final = "/api/v1"
_RECORDING: Final = f"{_V1}/recordings/{{name}}"
_MONITOR: Final = f"{_V1}/monitor/{{stream}}"

SOUND: Final = (
    Route(
        "GET",
        f"{_V1}/live",
        live.list_live,
        "应急切播：直播源与直播消息 live sources, and messages that somebody speaks",
        (Reply(200, "按配置次序 in the order of the settings", live.LiveReply),),
        need=Need.OPERATOR,
        problems=(409,),
    ),
    Route(
        "POST",
        f"{_V1}/live",
        live.begin_live,
        "应急切播 cut in live",
        (Reply(202, "已落盘，信号与直播随即播出 on disk; the signal and then the source are heard", AcceptanceBody),),
        need=Need.OPERATOR,
        takes=(Body(JSON, live.LiveBody),),
        problems=(400, 404, 409, 413, 415, 422),
    ),
    Route(
        "POST",
        f"{_V1}/live/{{name}}/sound",
        live.push_live,
        "推送直播声音 sound of a live source, as long as somebody speaks",
        (Reply(200, "声音已完，或消息已结束 its sound, or the message, has ended", live.PushedReply),),
        need=Need.OPERATOR,
        takes=tuple(Body(name, None, "直播声音 live sound") for name in SUPPORTED),
        problems=(404, 408, 409, 415, 422),
        counted=False,
    ),
    Route(
        "GET",
        f"{_V1}/sound",
        sound.list_on_air,
        "正在推流的节目 programmes on the air",
        (Reply(200, "先开播的在前 oldest first", sound.OnAirReply),),
        need=Need.OPERATOR,
    ),
    Route(
        "GET",
        "/sound/{ebm_id}.mp3",
        sound.pull_programme,
        "节目流，供终端拉取 the programme, for terminals that fetch it",
        (Reply(200, "mp3 流，消息结束即止 mp3 until its message is over", None, AUDIO),),
        need=Need.NOBODY,
        problems=(404,),
        words="收听人数有上限 listeners are bounded: [sound] pull_listeners; beyond, 503.",
        counted=False,
    ),
    Route(
        "GET",
        f"{_V1}/recordings",
        recordings.list_recorded,
        "录音库 recorded files",
        (Reply(200, "按名称 by name", recordings.RecordedListReply),),
        need=Need.OPERATOR,
    ),
    Route(
        "GET",
        _RECORDING,
        recordings.get_recorded,
        "下载录音 one recorded file",
        (Reply(200, "文件 the file as it came", None, "application/octet-stream"),),
        problems=(404,),
        words="非操作员密钥只能取共享节目的录音 / other keys than operators' get files of shared programmes.",
        counted=False,
    ),
    Route(
        "PUT",
        _RECORDING,
        recordings.put_recorded,
        "上传录音 take a recorded file in",
        (
            Reply(201, "已入库 taken in", recordings.UploadedReply),
            Reply(200, "已替换 in the place of another", recordings.UploadedReply),
        ),
        need=Need.OPERATOR,
        takes=(Body("application/octet-stream", None, "mp3, wav, flac, ogg, aac, amr, mp4：按内容识别 by content"),),
        problems=(422,),
        words="收全并检查后才入库，响度统一 / it has a name only when it came whole and was checked.",
        counted=False,
    ),
    Route(
        "DELETE",
        _RECORDING,
        recordings.delete_recorded,
        "删除录音 remove a recorded file",
        (Reply(204, "已删除 gone"),),
        need=Need.OPERATOR,
        problems=(404, 409),
    ),
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
