"""An MQTT broker 消息代理 of the settings: our extension, GD/J 089-2018 knows TCP alone."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway.settings.base import Host, Port, Seconds, Section


class MqttLink(Section):
    """Where a broker listens, and what it vouches for."""

    kind: Literal["mqtt"]
    title: str = ""
    host: Host
    port: Annotated[Port, Field(ge=1)] = 1883
    version: Literal["3.1.1", "5"] = "5"
    #: first level of every topic
    prefix: Annotated[str, Field(pattern=r"^[^+#/\x00\s]{1,32}$")] = "ebgw"
    #: first line user, second line password; empty: neither
    password_file: str = ""
    tls: bool = False
    #: roots that the broker's certificate, made out to ``host``, is held against; empty: the system's
    tls_ca: str = ""
    #: ours, where the broker asks for one
    tls_certificate: str = ""
    tls_key: str = ""
    #: the broker lets each terminal publish under its own code alone: then its topic proves who speaks
    bound: bool = False
    keepalive_seconds: Annotated[int, Field(ge=5, le=3600)] = 15
    answer_seconds: Seconds = 5.0
    tries: Annotated[int, Field(ge=1, le=10)] = 2
    backoff_first_seconds: Seconds = 0.5
    backoff_longest_seconds: Seconds = 15.0
    #: frames held while the broker is away
    queue_limit: Annotated[int, Field(ge=1, le=100_000)] = 1000

    @model_validator(mode="after")
    def _fits_together(self) -> MqttLink:
        if self.backoff_first_seconds > self.backoff_longest_seconds:
            raise ValueError("backoff_first_seconds must not exceed backoff_longest_seconds")
        if bool(self.tls_certificate) is not bool(self.tls_key):
            raise ValueError("tls_certificate and tls_key must be given together")
        return self
