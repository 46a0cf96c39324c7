"""Tables of the store, in SQLAlchemy Core: one schema for SQLite and PostgreSQL.

Times are Unix seconds of the gateway's clock. Lists of terminals are packed (``gateway.store.packing``).
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

warnings = Table(
    "warnings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sender", Text, nullable=False),
    Column("identifier", Text, nullable=False),
    Column("sent", Text, nullable=False),
    Column("publisher", Text, nullable=False),
    Column("received_at", Double, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    # canonical JSON of the parsed warning, as text: two warnings are the same when these are equal
    Column("content", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("ebm_id", Text),
    Column("notices", JSON, nullable=False),
    Column("references", JSON, nullable=False),
    # how areas of words alone were read: a list of publishers.spans.reading_json
    Column("area_text", JSON),
    # which rule of the mapping made what: a list of (rule, given, result), docs/mapping.md
    Column("mapping", JSON),
    UniqueConstraint("sender", "identifier", "sent"),
    Index(None, "received_at", "id"),
    Index(None, "identifier"),
)

messages = Table(
    "messages",
    metadata,
    Column("ebm_id", Text, primary_key=True),
    Column("warning_id", Text, ForeignKey("warnings.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("state_at", Double, nullable=False),
    Column("state_reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("ebm_class", Integer, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("severity_received", Integer, nullable=False),
    Column("event", Text, nullable=False),
    Column("volume", Integer, nullable=False),
    Column("start_at", Double, nullable=False),
    Column("end_at", Double, nullable=False),
    Column("programme_url", Text, nullable=False),
    Column("areas", JSON, nullable=False),
    Column("headline", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("targets", JSON, nullable=False),
    Column("terminals", LargeBinary, nullable=False),
    Column("accepted_at", Double, nullable=False),
    Column("activated_at", Double),
    Column("ended_at", Double),
    Column("supersedes", Text),
    Column("platform_level", Integer, nullable=False),
    Column("language", Text, nullable=False, server_default="zh-CN"),
    Column("manner", Text, nullable=False, server_default="warning"),
    Column("recording", Text, nullable=True),
    Column("scheme", JSON(none_as_null=True), nullable=True),
    Index(None, "warning_id"),
    Index(None, "state"),
)

orders = Table(
    "orders",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    # no foreign key: a stop of everything names EBM id 0, and queries name none
    Column("ebm_id", Text),
    Column("command", Text, nullable=False),
    Column("session", BigInteger, nullable=False, unique=True),
    Column("profile", Text, nullable=False),
    Column("target_codes", JSON, nullable=False),
    Column("terminals", LargeBinary, nullable=False),
    Column("frame_digest", LargeBinary, nullable=False),
    Column("sig_time", BigInteger, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Index(None, "ebm_id"),
    Index(None, "command", "created_at"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("order_id", BigInteger, ForeignKey("orders.id"), nullable=False),
    Column("at", Double, nullable=False),
    Column("route", Text, nullable=False),
    Column("terminals", LargeBinary, nullable=False),
    Index(None, "order_id"),
)

# An index on (terminal_id, received_at) would touch one page for each of 4,021 terminals in every commit of a
# broadcast: measured 3.5 times the time and three times the log. What one terminal did is found by message instead.
receipts = Table(
    "receipts",
    metadata,
    Column("node", Integer, nullable=False, autoincrement=False),
    Column("seq", BigInteger, nullable=False, autoincrement=False),
    Column("received_at", Double, nullable=False),
    Column("terminal_id", Integer),
    Column("source", Text, nullable=False),
    Column("ebm_id", Text),
    Column("session", BigInteger),
    Column("kind", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("code", Integer, nullable=False),
    Column("standing", Integer, nullable=False),
    Column("authenticity", Text, nullable=False),
    Column("late", Integer, nullable=False),
    Column("protocol", Text, nullable=False),
    Column("service_type", Integer, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("peer", Text, nullable=False),
    PrimaryKeyConstraint("node", "seq"),
    Index(None, "ebm_id", "node", "seq"),
    sqlite_with_rowid=False,
)

# Bursts of receipts wait here, packed (``gateway.store.blocks``), until the store has time to make rows of them.
receipt_blocks = Table(
    "receipt_blocks",
    metadata,
    Column("node", Integer, nullable=False, autoincrement=False),
    Column("first_seq", BigInteger, nullable=False, autoincrement=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("packed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("node", "first_seq"),
)

terminals = Table(
    "terminals",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("code", Text, nullable=False, unique=True),
    Column("physical_address", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("area", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("routes", JSON, nullable=False),
    Column("lat", Double),
    Column("lon", Double),
    Column("radius_m", Double, nullable=False),
    Column("in_service", Boolean, nullable=False),
    Column("deleted", Boolean, nullable=False),
)

strangers = Table(
    "strangers",
    metadata,
    Column("source", Text, nullable=False),
    Column("physical_address", Text, nullable=False),
    Column("peer", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("first_seen", Double, nullable=False),
    Column("last_seen", Double, nullable=False),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("source", "physical_address"),
)

publisher_keys = Table(
    "publisher_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("hash", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("rights", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("revoked_at", Double),
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

#: An alarm is one open row for each (kind, subject): raised again, it counts.
OPEN_ALARM = text("cleared_at IS NULL")

alarms = Table(
    "alarms",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("raised_at", Double, nullable=False),
    Column("last_at", Double, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("cleared_at", Double),
    Column("acknowledged_by", Text),
    Index("ux_alarms_open", "kind", "subject", unique=True, sqlite_where=OPEN_ALARM, postgresql_where=OPEN_ALARM),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Double, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", JSON, nullable=False),
)

states = Table(
    "states",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", JSON, nullable=False),
)

programmes = Table(
    "programmes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("changed_at", Double, nullable=False),
    Column("deleted", Boolean, nullable=False),
)

schedules = Table(
    "schedules",
    metadata,
    Column("id", Text, primary_key=True),
    Column("programme", Text, nullable=False),
    Column("plan", JSON, nullable=False),
    Column("changed_at", Double, nullable=False),
    Column("deleted", Boolean, nullable=False),
)

calendar = Table(
    "calendar",
    metadata,
    Column("day", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
)

# EBD packages 业务数据包 that peers proved to be theirs; (source, ebd_id) is what makes one the same again
received_packages = Table(
    "received_packages",
    metadata,
    Column("source", Text, nullable=False),
    Column("ebd_id", Text, nullable=False),
    Column("peer", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("received_at", Double, nullable=False),
    Column("result", Integer, nullable=False),
    Column("words", Text, nullable=False),
    # the message that it speaks of, as it was written; ours need not have the same number
    Column("ebm_id", Text),
    Column("related", Text),
    # EBDB and EBDS exact to the byte: what the signature stands on
    Column("business", LargeBinary, nullable=False),
    Column("signature", LargeBinary),
    PrimaryKeyConstraint("source", "ebd_id"),
    Index(None, "received_at", "ebd_id"),
    Index(None, "ebm_id"),
)

# EBD packages of ours that must reach their peer, in the order in which they were made
sent_packages = Table(
    "sent_packages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("peer", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("ebd_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    # packages of one topic reach the peer in their order
    Column("topic", Text, nullable=False),
    Column("made_at", Double, nullable=False),
    # Unix seconds after which it need not arrive any more; none: always
    Column("until", Double),
    Column("ebm_id", Text),
    Column("related", Text),
    # BrdStateCode that it tells
    Column("told", Integer),
    # the tar, exact to the byte; empty once it has arrived, where it is no evidence
    Column("package", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("result", Integer),
    Column("words", Text, nullable=False),
    Column("done_at", Double),
    UniqueConstraint("source", "ebd_id"),
    Index(None, "state", "id"),
    Index(None, "ebm_id"),
)

people = Table(
    "people",
    metadata,
    Column("name", Text, primary_key=True),
    Column("position", Text, nullable=False),
    Column("areas", JSON, nullable=False),
    # argon2id, with its salt and costs
    Column("password", Text, nullable=False),
    # shared secret of one-time codes, base 32; empty: none
    Column("totp", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("changed_at", Double, nullable=False),
)

console_sessions = Table(
    "console_sessions",
    metadata,
    # SHA-256 of what the browser holds
    Column("token", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("peer", Text, nullable=False),
    Column("begun_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("ended_at", Double),
    Index(None, "ended_at"),
)

# The last look of each day at standing coverage, by division.
coverage_days = Table(
    "coverage_days",
    metadata,
    Column("area", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("as_of", Double, nullable=False),
    Column("facts", JSON, nullable=False),
    PrimaryKeyConstraint("area", "day"),
)
