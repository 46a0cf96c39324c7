"""What the dissector must show of a frame, from the project's own ``decode`` of it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.wireshark.tshark import Shown, time

#: Words of ``decode`` and the dissector's own, where they differ; ``WORD.`` holds inside the list WORD alone.
_NAMES = {
    "targets": "target",
    "signature_value": "sig.value",
    "tags": "tag",
    "codes": "code",
    "params.tag": "param.tag",
    "params.length": "param.length",
    "params.data": "param.data",
    "aux.type": "aux.type",
    "aux.length": "aux.length",
    "aux.data": "aux.data",
    "aux.protocol": "aux.protocol",
    "aux.codec": "aux.codec",
    "aux.pid": "aux.pid",
    **{f"lists.{name}": f"list.{name}" for name in ("length", "receiver", "number", "signer", "signature", "data")},
    "lists.serials": "list.serial",
    **{
        f"certificates.{name}": f"cert.{name}"
        for name in (
            "length",
            "version",
            "issuer",
            "serial",
            "valid_year",
            "valid_month",
            "public_key",
            "signature",
            "data",
        )
    },
    "extra": "rest",
}
_ADAPTER = {
    "targets": "code",
    "areas": "code",
    "resource_code_type": "code_type",
    "resource_code_length": "code_length",
    "area_length": "code_length",
    "power_switch": "switch",
    "tag": "command_kind",
    "cmd_type": "command_kind",
    "data_type": "rds_type",
    "qam": "qam_adapter",
    "phone": "telephone",
    "task_state": "state",
    "channel_id": "channel",
    "channels.id": "channel",
    "channels.type": "output_type",
    "channels.state": "channel_state",
    "sub_channels.state": "channel_state",
    "original_network_id": "network_id",
    "output_channels": "output_channel",
    "data": "content",
}
_ADAPTER_TYPE = {
    0x0E: {"state": "channel_state"},
    0x0F: {"state": "channel_state"},
    0x10: {"task_type": "task_filter"},
    0x12: {"result": "return_code"},
    0x17: {"result": "settled"},
    0x20: {"state": "work_state"},
    0x21: {"result": "return_code"},
    0x22: {"result": "settled"},
    0x3F: {"switch": "amplifier"},
}
_RDS = {
    "packet_type": "rds_type",
    "targets": "code",
    "action": "switch",
    "switch": "retune",
}
_RDS_TYPE = {
    6: {name: f"list.{name}" for name in ("receiver", "number", "signer", "signature", "data")}
    | {"serials": "list.serial"},
    21: {"number": "index"},
}
_FRAMES = {name: f"frame.{name}" for name in ("level", "version", "total", "index")} | {
    "chunk": "frame.data",
    "offsets": "group.offset",
}
_TS = {
    "version": "table_version",
    "original_network_id": "network_id",
    "service_id": "program_number",
    "commands.tag": "command.tag",
    "commands.length": "command.length",
    "commands.switch": "amplifier",
    "commands.data": "content",
    "messages.start_clock": "ts_start",
    "messages.end_clock": "ts_end",
    "languages.length": "language_length",
}
#: Told by what else is shown, or not in the frame.
_UNSHOWN = {
    "meaning",
    "counts_itself",
    "address_length",
    "text_length",
    "private_indicator",
    "one_length",
    "descriptors",
}
_UNSHOWN_OF = {
    # the auxiliaries of a start stand in its languages, and the data of an RDS command as what they mean
    "adapter": {"length", "aux"},
    # moments whose zone the section does not tell, beside the clock that is shown
    "ts": {"messages.start", "messages.end", "commands.time", "commands.end"},
    "rds": {"time"},
}
_TEXTS = {"description", "address", "text", "agency", "url", "telephone", "name", "stream_address", "language"}
#: What may be of any length, also shown as bytes; of zeros alone it is none.
_ANY_LENGTH = {"source", "target", "code", "resource_code", "front_code", "address"}
_ZEROS = re.compile(r"0+\Z")
_HEXADECIMAL = re.compile(r"(?:[0-9A-F]{2})+\Z")
#: Characters that tables of GB 18030 read otherwise in Python and in Wireshark.
_NOT_ALIKE = re.compile("[\ufffd\ue000-\uf8ff]")
_BYTES = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2})*\Z")
_NUMBERS = re.compile(r"0*(\d+)")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def _names(said: dict[str, Any]) -> dict[str, str]:
    fields = said["fields"]
    match said["protocol"]:
        case "adapter":
            return _NAMES | _ADAPTER | _ADAPTER_TYPE.get(fields["protocol_type"], {})
        case "rds" if said["kind"] in ("frame", "group"):
            return _NAMES | _FRAMES
        case "rds":
            return _NAMES | _RDS | _RDS_TYPE.get(fields["packet_type"], {})
        case "ts":
            return _NAMES | _TS
        case "feedback" if said["kind"] == "result":
            return _NAMES | {"result": "played"}
        case _:
            return _NAMES


def _leaves(value: Any, key: str, parent: str, names: dict[str, str], unshown: set[str]) -> Iterator[tuple[str, Any]]:
    path = f"{parent}.{key}"
    if {key, path} & unshown:
        return
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _leaves(one, name, key, names, unshown)
    elif key == "outputs":
        for kind, channel in value:
            yield from (("output_type", kind), ("output_channel", channel))
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _leaves(one, key, parent, names, unshown)
    else:
        yield names.get(path, names.get(key, key)), value


def expected(said: dict[str, Any]) -> dict[str, list[Any]]:
    """Every field that must be shown, with its values in order, for one answer of ``decode``."""
    unshown = _UNSHOWN | _UNSHOWN_OF.get(said["protocol"], set())
    if said["protocol"] == "adapter" and said["fields"]["protocol_type"] == 0x02:
        unshown |= {"data"}
    found: dict[str, list[Any]] = defaultdict(list)
    found["protocol"] = ["rds-frames" if said["kind"] in ("frame", "group") else said["protocol"]]
    names = _names(said)
    for name, one in said["fields"].items():
        for shown, value in _leaves(one, name, "", names, unshown):
            found[shown].append("未定 open" if value is None and shown in ("ts_start", "ts_end") else value)
    signature, checksum = said["signature"], said["checksum"]
    if signature["present"]:
        found["sig.certificate"] = [signature["certificate"]]
        found["sig.time" if isinstance(signature["time"], str) else "sig.counter"] = [signature["time"]]
    if checksum is not None and checksum["kind"] != "rds":  # what is wrong of a group stands in its offset words
        found["crc"], found["crc.status"] = [int(checksum["found"], 16)], [int(checksum["ok"])]
    return {name: kept for name, values in found.items() if (kept := [one for one in values if _told(name, one)])}


def _told(name: str, value: Any) -> bool:
    """Whether the value is one that both show: empty texts and codes of zeros are told differently."""
    return value not in (None, "") and not (name in _ANY_LENGTH and _ZEROS.match(value))


def difference(said: dict[str, Any], shown: Shown) -> dict[str, tuple[list[Any], list[Any]]]:
    """What ``decode`` says and the dissector shows otherwise, by the dissector's names; empty where they agree."""
    differs = {}
    for name, values in expected(said).items():
        got = [one for one in shown.all(name) if _told(name, one)]
        if len(got) != len(values) or not all(map(_same, got, values, [name] * len(got))):
            differs[name] = (values, got)
    return differs


def _same(shown: str, value: Any, name: str) -> bool:
    """Whether tshark shows this value. What is no text may be shown as Wireshark's own table of GB 18030 reads it."""
    if name == "clock":  # what is no date has as many digits as either likes
        return _NUMBERS.findall(shown) == _NUMBERS.findall(value)
    if name in _TEXTS and _CONTROLS.search(value):  # decode leaves them to JSON where a charset is named
        return _HEXADECIMAL.match(shown) is not None
    if name in _TEXTS and (_HEXADECIMAL.match(value) or _NOT_ALIKE.search(value)):
        return True
    if name == "address" and not value.isascii() and _HEXADECIMAL.match(shown.split(":")[0]):  # a name is ASCII
        return True
    return bool(_like(shown, value) == value)


def _like(shown: str, value: Any) -> Any:
    """What tshark shows, in the form of what it is held against."""
    if isinstance(value, int):
        return int(shown, 0)
    moment = time(shown)
    if moment is not None and moment != value and shown == value:
        return shown
    if moment is not None and "T" in value:
        return moment
    return shown.replace(":", "").upper() if _BYTES.match(shown) and shown != value else shown
