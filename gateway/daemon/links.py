"""Bearers from the settings: for each kind of link the class that drives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.daemon.keys import client_tls
from gateway.devices.adapter_link import AdapterLink as AdapterBearer
from gateway.devices.adapter_link import AdapterOptions
from gateway.devices.bearer import Bearer, Tools
from gateway.devices.events import LinkCounters
from gateway.devices.mqtt_bearer import MqttBearer
from gateway.devices.rds_bearer import RdsBearer
from gateway.devices.serial_bearer import SerialBearer
from gateway.devices.trust import holds
from gateway.devices.ts_bearer import TsBearer
from gateway.devices.udp_bearer import UdpBearer
from gateway.domain.codes import ResourceCode
from gateway.domain.receiver import Route, RouteKind, TimeBase
from gateway.errors import EnvironmentLackingError
from gateway.protocols.ip import IpPacket
from gateway.settings.adapter_link import AdapterLink
from gateway.settings.links import LinkSettings
from gateway.settings.mqtt_link import MqttLink
from gateway.settings.rds_link import RdsLink
from gateway.settings.serial_link import SerialLink
from gateway.settings.ts_link import TsLink
from gateway.settings.udp_link import UdpLink


def _adapter(route: Route, link: AdapterLink, tools: Tools) -> Bearer:
    options = AdapterOptions(
        code=ResourceCode(link.code),
        host=link.host,
        port=link.port,
        answer_seconds=link.answer_seconds,
        tries=link.tries,
        time_base=TimeBase(link.time_base),
        reads_unsigned=link.zero_signatures == "read",
        test_seconds=link.test_seconds,
        return_address=link.return_address,
        holds_clock=link.clock_doubt == "hold",
        monitor_ip=link.monitor_ip,
        tls=client_tls(link.tls, f"links.{route.link}.tls"),
        tls_name=link.tls.name,
    )
    return AdapterBearer(route, options, tools)


def _holds(tools: Tools) -> Callable[[IpPacket, bytes], bool]:
    """Whether a frame carries a signature of its source's own key (raises where it carries a wrong one)."""
    counters = LinkCounters()
    return lambda packet, raw: holds(tools.trust, packet, raw, counters)


def _mqtt(route: Route, link: MqttLink, tools: Tools) -> Bearer:
    return MqttBearer(
        route.link, link, tools.events, own_code=tools.own_code, verified=_holds(tools), clock=tools.clock
    )  # fmt: skip


def _udp(route: Route, link: UdpLink, tools: Tools) -> Bearer:
    return UdpBearer(
        route.link, link, tools.events, tools.workshop,
        own_code=tools.own_code, verified=_holds(tools), clock=tools.clock,
    )  # fmt: skip


#: How a bearer is made from its route, its settings and the tools; a new kind has its line here.
MAKERS: Final[Mapping[type, Callable[[Route, Any, Tools], Bearer]]] = {
    AdapterLink: _adapter,
    MqttLink: _mqtt,
    SerialLink: SerialBearer,
    RdsLink: RdsBearer,
    TsLink: TsBearer,
    UdpLink: _udp,
}


def make_bearers(links: Mapping[str, LinkSettings], tools: Tools) -> dict[Route, Bearer]:
    """Every link of the settings as a bearer, by its route. Errors: EnvironmentLackingError."""
    made: dict[Route, Bearer] = {}
    for name, link in links.items():
        route, maker = Route(RouteKind(link.kind), name), MAKERS.get(type(link))
        if maker is None:
            raise EnvironmentLackingError(f"links.{name}: this version does not drive links of kind {link.kind}")
        made[route] = maker(route, link, tools)
    return made
