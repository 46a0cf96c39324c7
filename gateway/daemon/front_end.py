"""The front end from the settings: what makes the gateway an adapter under a superior platform."""

from __future__ import annotations

from gateway.daemon.keys import client_tls
from gateway.devices.adapter_server import ServerLimits
from gateway.devices.trust import Trust
from gateway.dispatch.service import Dispatch
from gateway.domain.codes import CertificateSerial, ResourceCode
from gateway.domain.receiver import TimeBase
from gateway.errors import SettingsError
from gateway.settings.front_end import FrontEndSection
from gateway.upstream.front_end import FrontEnd, FrontOptions


def make_front_end(
    section: FrontEndSection, dispatch: Dispatch, trust: Trust | None, own: CertificateSerial
) -> FrontEnd | None:
    """The front end, which signs by certificate ``own``; None where it is not enabled.

    Errors: SettingsError where nobody's key is known.
    """
    if not section.enabled:
        return None
    if trust is None:
        raise SettingsError(("signing.trust_file", "must name the key of front_end.platform_code"))
    options = FrontOptions(
        code=ResourceCode(section.code),
        superior=ResourceCode(section.platform_code),
        host=section.platform_host,
        port=section.platform_port,
        time_base=TimeBase(section.time_base),
        heartbeat=section.heartbeat_seconds,
        answer_seconds=section.answer_seconds,
        tries=section.tries,
        tls=client_tls(section.platform_tls, "front_end.platform_tls"),
        tls_name=section.platform_tls.name,
        limits=ServerLimits(
            max_frame=section.max_frame_bytes, idle=section.idle_seconds, connections=section.max_connections
        ),
    )
    return FrontEnd(options, dispatch, trust, own)
