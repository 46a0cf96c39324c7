"""What every section of the settings is made of."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

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


class ClientTls(Section):
    """TLS of a peer that we call, off by default; the peer's certificate must be of ``ca`` (empty: the system's roots)
    and made out to ``name`` (empty: the host called). ``certificate`` and ``key`` are ours, where the peer asks.
    """

    enabled: bool = False
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    name: str = ""

    @model_validator(mode="after")
    def _together(self) -> Self:
        if (self.certificate is None) is not (self.key is None):
            raise ValueError("certificate and key must be given together")
        return self


class Tls(Section):
    """TLS of one port: all empty means plain TCP; ``client_ca`` asks peers for certificates (mTLS)."""

    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
