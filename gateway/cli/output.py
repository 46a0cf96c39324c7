"""What commands print: JSON for programs on one line, rich tables for people."""

from __future__ import annotations

import json
import shutil
import sys
from typing import Any

import click
from rich.console import Console, RenderableType

#: Columns assumed where output goes to a file or a pipe: tables are then not cut to a guessed 80.
_PIPE_COLUMNS = 120


def console(*, stderr: bool = False) -> Console:
    """A console as wide as the terminal, at least readable in a pipe."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else max(_PIPE_COLUMNS, shutil.get_terminal_size((_PIPE_COLUMNS, 24)).columns)
    return Console(stderr=stderr, width=width, highlight=False)


def say_json(value: Any) -> None:
    """One line of JSON."""
    click.echo(json.dumps(value, ensure_ascii=False))


def show(renderable: RenderableType) -> None:
    """Print a table or text for people."""
    console().print(renderable)
