"""Sound 声音 from the settings: programmes at addresses of their own, or none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from gateway.dispatch.sound import NoSound
from gateway.dispatch.sounding import Form, Sounding, SoundPlan
from gateway.dispatch.state import State
from gateway.errors import SettingsError
from gateway.programmes.options import SoundOptions
from gateway.settings.library import LibrarySource
from gateway.settings.sound import SoundSection
from gateway.upstream.shared_library import Source


def sound_options(section: SoundSection) -> SoundOptions:
    """How programmes are made, as the settings say."""
    return SoundOptions(**{each.name: getattr(section, each.name) for each in fields(SoundOptions)})


def recordings_folder(data_dir: Path) -> Path:
    """Where recorded files of the library lie."""
    return data_dir / "recordings"


def make_sound(section: SoundSection, state: State, data_dir: Path) -> Sounding | NoSound:
    """The room of sound; ``NoSound`` where it is switched off. Errors: SettingsError for a voice that is none."""
    if not section.enabled:
        return NoSound()
    plan = SoundPlan(
        form=Form(section.form),
        addresses=section.addresses,
        spare=section.spare,
        recordings=recordings_folder(data_dir),
        pull_base=section.pull_base,
        unicast_limit=section.unicast_limit,
        pull_listeners=section.pull_listeners,
        tail=section.tail_seconds,
        multicast_interface=section.multicast_interface,
    )
    return Sounding(state, plan, sound_options(section), data_dir / "sound")


def library_sources(settings: Mapping[str, LibrarySource]) -> list[Source]:
    """Libraries of other platforms. Errors: SettingsError for a key file that cannot be read."""
    found = []
    for name, each in settings.items():
        try:
            key = each.key_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError((f"library.{name}.key_file", f"cannot be read: {error}")) from error
        found.append(Source(name, each.url, key, each.every_seconds, each.patience_seconds))
    return found
