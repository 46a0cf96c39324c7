"""Benchmarks 基准: our cost ÷ a bare baseline's, in turn in the same run: ``python -m benchmarks [NAME…] [--json]``."""
