"""Device profiles 设备档: one TOML file each; integrators put theirs beside the packaged ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.devices.toml_file import read_toml
from gateway.domain.receiver import Profile, UnsignedForm
from gateway.domain.targets import TargetForm
from gateway.errors import SettingsError

_PACKAGED = Path(__file__).parent / "profiles_data"


class _ProfileFile(BaseModel):
    """What a profile file may hold."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
    title: str = ""
    protocol: Literal["ip"] = "ip"
    # The 9-byte codes of the drafts are read and rebuilt, never sent.
    code_length: Literal[12] = 12
    target_form: TargetForm = TargetForm.STD
    unsigned_form: UnsignedForm = UnsignedForm.ZERO_LENGTH
    heartbeat_seconds: Annotated[float, Field(ge=1, le=86400)] = 10.0


def load_profiles(folder: Path | None = None) -> Mapping[str, Profile]:
    """The packaged profiles and those of ``folder``, by name.

    Errors: SettingsError naming file, key and rule; also when two files claim one name.
    """
    profiles: dict[str, Profile] = {}
    origin: dict[str, Path] = {}
    for path in [*sorted(_PACKAGED.glob("*.toml")), *(sorted(folder.glob("*.toml")) if folder else ())]:
        profile = Profile(**read_toml(path, _ProfileFile).model_dump())
        if profile.name in profiles:
            raise SettingsError((str(path), f"name {profile.name!r} is taken by {origin[profile.name].name}"))
        profiles[profile.name], origin[profile.name] = profile, path
    return profiles
