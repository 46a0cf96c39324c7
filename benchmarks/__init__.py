"""Benchmarks 基准: our cost ÷ a bare baseline's, measured in turn in the same run. ``python -m benchmarks [NAME…] [--json]``."""
