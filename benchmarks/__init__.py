"""Benchmarks: the speed of mlplab and its alternatives. ``make bench`` runs all; see docs/performance.md."""
