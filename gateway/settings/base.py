"""What every section of the settings is made of."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gateway.domain.codes import AreaCode, ResourceCode


def _resource_code(text: str) -> str:
    return ResourceCode(text)


def _area_code(text: str) -> str:
    return AreaCode(text)


def _host(text: str) -> str:
    if text != "localhost":
        ipaddress.ip_address(text)
    return text


Code = Annotated[str, AfterValidator(_resource_code)]
Area = Annotated[str, AfterValidator(_area_code)]
Host = Annotated[str, AfterValidator(_host)]
Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86400)]


class Section(BaseModel):
    """A table of the file: every key known, nothing changed after reading."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class Tls(Section):
    """TLS of one port: all empty means plain TCP; ``client_ca`` asks peers for certificates (mTLS)."""

    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
