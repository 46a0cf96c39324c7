"""Messages and errands in the words of the transport stream tables (GD/J 086, 087-2018; 089-2018 appendix C)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.devices.bearer import Errand, ErrandUnsupported
from gateway.domain.codes import ResourceCode
from gateway.domain.message import VOLUME_KEEP, Command, Message
from gateway.protocols import parameters as tags
from gateway.protocols.fields import WireCode
from gateway.protocols.parameters import Channel, Parameter, ResourceCodeSetting, ReturnAddress
from gateway.protocols.ts_configuration import (
    BY_DOMAIN,
    BY_IPV4,
    BY_SMS,
    DefaultVolume,
    FrequencyLock,
    ReturnPeriod,
    ReturnTarget,
    StateQuery,
)
from gateway.protocols.ts_daily import AmplifierSwitch
from gateway.protocols.ts_descriptors import (
    CABLE_DELIVERY,
    NO_DESCRIPTORS,
    TERRESTRIAL_DELIVERY,
    CableDelivery,
    Descriptor,
    Descriptors,
    TerrestrialDelivery,
)
from gateway.protocols.ts_index import MPEG1_AUDIO, DetailsChannel, Stream
from gateway.protocols.ts_render import Rendered, TsBroadcast, Wording, render
from gateway.protocols.ts_render_daily import DailyPlay, DailyStop, Programme
from gateway.protocols.ts_time import TsTime, WallClock
from gateway.settings.ts_link import TsLink

#: Kinds of return address: of table D.9, and of 086 table 12.
_RETURNS = {1: BY_IPV4, 2: BY_DOMAIN, 3: BY_SMS}


def rendered(message: Message, codes: tuple[ResourceCode, ...], link: TsLink, now: datetime) -> Rendered:
    """Render a message for index and content table as it stands at ``now``. Errors: InvalidValueError."""
    words = message.text or message.headline
    broadcast = TsBroadcast(
        ebm_id=message.ebm_id,
        ebm_class=message.ebm_class,
        severity=message.severity,
        event=message.event,
        start=message.start,
        end=message.end,
        codes=codes,
        details=_details(link, has_words=bool(words)),
        wordings=(Wording(words),) if words else (),
        original_network_id=link.original_network_id,
    )
    return render(broadcast, now, TsTime(link.ts_time))


def daily_play(message: Message, codes: tuple[ResourceCode, ...], link: TsLink) -> DailyPlay:
    """The command of table 0xFA that plays a daily broadcast."""
    return DailyPlay(message.ebm_id, _programme(link), message.end, codes, message.volume)


def daily_stop(message: Message, codes: tuple[ResourceCode, ...], link: TsLink) -> DailyStop:
    """The command of table 0xFA that stops it."""
    return DailyStop(message.ebm_id, _programme(link), codes)


def _programme(link: TsLink) -> Programme:
    if not link.audio_pid:
        raise ErrandUnsupported("TS: 未设置音频 PID，无法播日常节目 audio_pid is not set: no programme to play")
    return Programme(link.network_id, link.ts_id, link.service_id, link.audio_pid, link.pcr_pid)


def _details(link: TsLink, *, has_words: bool) -> DetailsChannel | None:
    if not link.audio_pid:
        return None
    streams: tuple[Stream, ...] = (Stream(MPEG1_AUDIO, link.audio_pid),)
    if link.medium == "terrestrial" and has_words:
        streams = (*streams, Stream.content())
    return DetailsChannel(link.network_id, link.ts_id, link.service_id, link.pcr_pid, _delivery(link), streams)


def _delivery(link: TsLink) -> Descriptors:
    if not link.frequency:
        return NO_DESCRIPTORS
    if link.medium == "cable":
        cable = CableDelivery.of(link.frequency, link.symbol_rate, link.modulation)
        return Descriptors((Descriptor(CABLE_DELIVERY, cable),))
    terrestrial = TerrestrialDelivery(
        link.frequency, link.fec, link.modulation, link.subcarriers, link.frame_header, link.interleaving
    )
    return Descriptors((Descriptor(TERRESTRIAL_DELIVERY, terrestrial),))


def commands_of(errand: Errand, link: TsLink) -> tuple[object, ...]:
    """The contents of table 0xFB, or an amplifier switch of 0xFA, that a setting or query needs.

    Raises ErrandUnsupported for what the tables have no word for.
    """
    if errand.command is Command.QUERY:
        return (StateQuery(errand.tags, _codes(errand.targets)),)
    return tuple(_setting(parameter, _codes(errand.targets), link) for parameter in errand.parameters)


def _setting(parameter: Parameter, codes: tuple[WireCode, ...], link: TsLink) -> object:
    """One parameter of table D.9, or the cable frequency of table E.5, which 086 can set."""
    match parameter.tag, parameter.value:
        case tags.VOLUME, int() as volume if volume != VOLUME_KEEP:
            return DefaultVolume(volume, codes)
        case tags.RETURN_ADDRESS, ReturnAddress() as address if address.kind in _RETURNS:
            return ReturnTarget(_RETURNS[address.kind], address.text, codes)
        case tags.RESOURCE_CODE, ResourceCodeSetting() as setting:
            return setting
        case tags.SET_AMPLIFIER, int() as state:
            return AmplifierSwitch(state, codes)
        case tags.SET_CLOCK, int() as seconds:
            return WallClock.of(seconds)
        case tags.SET_RETURN_PERIOD, int() as seconds:
            return ReturnPeriod(seconds, codes)
        case tags.CABLE_FREQUENCY, Channel() as at if link.medium == "cable":
            return FrequencyLock(at.freq_khz, at.symbol_rate_k, at.qam, codes)
    raise ErrandUnsupported(f"传送流无此参数设置指令 the tables have no word to set parameter {parameter.tag}")


def _codes(targets: Sequence[ResourceCode]) -> tuple[WireCode, ...]:
    return tuple(map(WireCode.of, targets))
