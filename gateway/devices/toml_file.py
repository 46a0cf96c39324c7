"""A TOML file held against its model, for profiles and trust: every fault by file, key and rule."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from gateway.errors import SettingsError

M = TypeVar("M", bound=BaseModel)


def read_toml(path: Path, model: type[M]) -> M:
    """Read ``path`` as a ``model``. Errors: SettingsError naming the file, and key and rule of each fault."""
    try:
        return model.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError((str(path), f"cannot be read: {error}")) from error
    except ValidationError as error:
        problems = [(f"{path.name}:{'.'.join(map(str, e['loc']))}", str(e["msg"])) for e in error.errors()]
        raise SettingsError(*problems) from error
