"""Emergency broadcast gateway 应急广播网关.

From a publisher's warning to signed GD/J 089-2018 frames, and from receipts to coverage.
``docs/architecture.md`` shows the rooms; ``gateway.daemon`` is the one place that knows them all.
"""

__version__ = "0.1.0"
