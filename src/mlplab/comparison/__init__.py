"""Comparing runs that are in the store. Reads MLflow, and knows no engine.

app/, sweeps/ and reproduction/ enter here. Read ``query`` first: runs and points as pandas frames. Then

the verdict   ``selection`` (which runs), ``observations`` (one per seed), ``grouping``, ``separation`` (the tests),
              ``judging`` and ``ranking``, ``verdict`` (the sentence), ``completeness`` (what is missing), ``tables``
              and ``documents`` (text and files), ``sweep_end`` (what ends a sweep)
the page      ``evidence`` (what it shows), the ``*_charts`` on ``charts``, ``palette`` and ``scales``, ``sections``,
              ``page_table``, ``page``; ``charts.js`` draws and ``table.js`` sorts, filters and selects
"""
