"""``ebgw check-config``: everything that would stop the daemon from starting, found before it is started."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import click

from gateway.cli.group import EXIT_ENVIRONMENT, EXIT_FAILED, exit_code_of
from gateway.cli.options import config_option, json_option
from gateway.cli.output import say_json
from gateway.daemon import client_tls, library_sources, raise_file_limit, sm2_provider, tls_of
from gateway.devices.profiles import load_profiles
from gateway.devices.trust import Trust
from gateway.errors import GatewayError, SettingsError
from gateway.programmes.pinyin import Pinyin
from gateway.programmes.voices import Voices
from gateway.publishers.reference import load_gazetteer
from gateway.publishers.signature import load_seal
from gateway.security.keys import load_key_file
from gateway.settings import Settings, load_settings
from gateway.settings.adapter_link import AdapterLink
from gateway.store import StoreSettings

Problem = tuple[str, str]


@click.command("check-config")
@config_option
@json_option
@click.pass_context
def check_config(ctx: click.Context, config: Path | None, as_json: bool) -> None:
    """检查配置及其引用的文件 / Check the settings and every file that they name.

    退出码 exit: 0 可启动 fit to start, 1 配置有误 settings, 3 环境 environment.
    """
    try:
        settings = load_settings(config)
        problems, code = examine(settings)
    except SettingsError as error:
        problems, code = list(error.problems), EXIT_FAILED
    if as_json:
        say_json({"ok": not problems, "problems": [{"key": key, "rule": rule} for key, rule in problems]})
    else:
        for key, rule in problems:
            click.echo(f"错误 error  {key}: {rule}", err=True)
        if not problems:
            click.echo(f"配置无误 the settings are sound: {config or '默认 defaults'}")
    ctx.exit(code if problems else 0)


def examine(settings: Settings) -> tuple[list[Problem], int]:
    """Problems as (key, rule), and the exit code of the gravest."""
    problems: list[Problem] = []
    code = EXIT_FAILED
    for key, look in _looks(settings).items():
        try:
            look()
        except SettingsError as error:
            problems.extend(error.problems)
        except GatewayError as error:
            problems.append((key, str(error)))
            code = max(code, exit_code_of(error))
        except OSError as error:
            problems.append((key, f"{error.filename}: {error.strerror}"))
            code = EXIT_ENVIRONMENT
    return problems, code


def _looks(settings: Settings) -> dict[str, Callable[[], object]]:
    """What is looked at, by the key that speaks of it."""
    folder = settings.reference.folder

    def key_file() -> None:
        # No file named and none there: the daemon makes one at its first start.
        if settings.signing.key_file is not None or settings.key_file.exists():
            load_key_file(settings.key_file, provider=sm2_provider(settings.signing.provider))

    def trust_file() -> None:
        if settings.signing.trust_file is not None:
            Trust(sm2_provider(settings.signing.provider), time.time).load(settings.signing.trust_file)

    return {
        "signing.provider": lambda: sm2_provider(settings.signing.provider),
        "signing.key_file": key_file,
        "signing.trust_file": trust_file,
        "store.url": lambda: StoreSettings(settings.store_url),
        "reference.folder": lambda: load_gazetteer(folder),
        "reference.folder/profiles": lambda: load_profiles(folder / "profiles" if folder else None),
        "http.tls": lambda: tls_of(settings.http.tls, "http"),
        "terminals.tls": lambda: tls_of(settings.terminals.tls, "terminals"),
        "feedback.tls": lambda: tls_of(settings.feedback.tls, "feedback"),
        "adapters.tls": lambda: tls_of(settings.adapters.tls, "adapters"),
        "front_end.tls": lambda: tls_of(settings.front_end.tls, "front_end"),
        "front_end.platform_tls": lambda: client_tls(settings.front_end.platform_tls, "front_end.platform_tls"),
        "platform.tls": lambda: tls_of(settings.platform.tls, "platform"),
        "peers": lambda: [client_tls(peer.tls, f"peers.{name}.tls") for name, peer in settings.peers.items()],
        "links": lambda: [
            client_tls(link.tls, f"links.{name}.tls")
            for name, link in settings.links.items()
            if isinstance(link, AdapterLink)
        ],
        "sound": lambda: Voices(Pinyin(settings.sound.readings_file), settings.sound.voices),
        "publishers": lambda: [load_seal(section.certificates) for section in settings.publishers.values()],
        "library": lambda: library_sources(settings.library),
        "ulimit -n": raise_file_limit,
    }
