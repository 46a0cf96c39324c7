"""Bring a database to the present schema, in the process and in one transaction."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import StoreError

#: Any number, the same in all gateways of one PostgreSQL: they migrate one after the other.
_ADVISORY_LOCK = 0x45424757


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "gateway.store:migrations")
    config.set_main_option("path_separator", "os")
    return config


def head_revision() -> str:
    """The newest step that this version of the gateway knows."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def migrate(engine: Engine) -> None:
    """Run the steps that are missing; raise StoreError when it cannot, or when the database is from a newer version."""
    config = _config()
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(f"the database is not of this version of the gateway: {error}") from error
    except SQLAlchemyError as error:
        raise StoreError(f"the database cannot be opened: {getattr(error, 'orig', error)}") from error
