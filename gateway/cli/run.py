"""``ebgw run``: the daemon in the foreground, as systemd and the demo start it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import click
import structlog

from gateway.cli.logs import configure_logs
from gateway.cli.notify import notify
from gateway.cli.options import config_option
from gateway.cli.output import say_json
from gateway.daemon import Gateway
from gateway.errors import GatewayError
from gateway.settings import Settings, load_settings

log = structlog.get_logger(__name__)


class StopTooSlowError(GatewayError):
    """Work in hand did not end within stop_grace_seconds; what was promised is in the store."""

    code = "stop_too_slow"


@click.command("run")
@config_option
def run(config: Path | None) -> None:
    """启动网关，直到收到 SIGTERM / Run the gateway until SIGTERM or SIGINT.

    就绪后在标准输出打印一行 JSON / prints one line of JSON on standard output when it serves.
    """
    settings = load_settings(config)
    configure_logs(settings.log)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve(settings))


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop where it is installed, else the standard loop."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


async def serve(settings: Settings) -> None:
    """Serve until told to stop, then stop in order within the grace of the settings."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    grace = settings.gateway.stop_grace_seconds
    try:
        async with asyncio.timeout(None) as limit, Gateway(settings) as gateway:
            say_json(ready_line(settings, gateway))
            notify(f"READY=1\nMAINPID={os.getpid()}")
            await stop.wait()
            notify("STOPPING=1")
            log.info("stopping", grace=grace)
            limit.reschedule(loop.time() + grace)
    except TimeoutError:
        raise StopTooSlowError(
            f"没有在 {grace:g} 秒内停下 / did not stop within {grace:g} s; the store is whole"
        ) from None
    log.info("stopped")


def ready_line(settings: Settings, gateway: Gateway) -> dict[str, str]:
    """Where the gateway serves, for programs that started it with port 0."""
    scheme = "https" if settings.http.tls.certificate else "http"
    ready = {
        "event": "ready",
        "http": f"{scheme}://{_host(settings.http.host)}:{gateway.ports.http}",
        "terminals": f"{_host(settings.terminals.host)}:{gateway.ports.terminals}",
        "feedback": f"{_host(settings.feedback.host)}:{gateway.ports.feedback}",
    }
    if gateway.ports.adapters:
        ready["adapters"] = f"{_host(settings.adapters.host)}:{gateway.ports.adapters}"
    if gateway.ports.front_end:
        ready["front_end"] = f"{_host(settings.front_end.host)}:{gateway.ports.front_end}"
    return ready


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
