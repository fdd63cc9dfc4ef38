"""Benchmarks: how fast, beside what else. ``make bench`` runs them all; see docs/performance.md."""
