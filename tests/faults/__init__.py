"""Fault injection: the real commands against real servers, with something taken away; then the stores are read.

Run by ``make test-faults``, never by ``make test``. What is promised, and what was measured: docs/reliability.md.
"""
