"""Logs 日志 to standard error: for people on a terminal, JSON Lines elsewhere; libraries' logs go the same way."""

from __future__ import annotations

import logging
import sys

import structlog

from gateway.settings import LogSection


def configure_logs(section: LogSection) -> None:
    """Set up structlog and the standard library's logging as the settings say."""
    level = logging.getLevelNamesMapping()[section.level]
    plain = section.format == "console" or (section.format == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if plain
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    ends: list[structlog.typing.Processor] = [last] if plain else [structlog.processors.format_exc_info, last]
    structlog.configure(
        processors=[*shared, *ends],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ends],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
