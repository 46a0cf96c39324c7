"""Links 链路 of the settings: ``[links.NAME]``, each of a kind; the routes of terminals name them as ``kind:NAME``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.settings.adapter_link import AdapterLink
from gateway.settings.mqtt_link import MqttLink
from gateway.settings.rds_link import RdsLink
from gateway.settings.serial_link import SerialLink
from gateway.settings.ts_link import TsLink
from gateway.settings.udp_link import UdpLink

LinkName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,31}$")]
#: One class for each kind; a new kind is a class and its place here.
LinkSettings = Annotated[AdapterLink | MqttLink | SerialLink | RdsLink | TsLink | UdpLink, Field(discriminator="kind")]
