"""Comparing runs that are in the store. Reads MLflow, and knows no engine.

app/, sweeps/ and reproduction/ enter here. Read ``query`` first (runs and points as pandas frames), then
``statistics``, ``ranking`` and ``tables``; ``evidence`` and the charts make the ``page``; ``selection`` says which
runs, ``sweep_end`` what ends a sweep.
"""
