"""Comparing runs that are in the store: which are better, and whether that is more than noise. Knows no engine.

page/, app/, sweeps/ and reproduction/ enter here. Read ``query`` first: runs and points as pandas frames. Then
``selection`` (which runs), ``inputs`` (of what data), ``observations`` (one per seed), ``grouping``, ``ordering``
(ties), ``separation`` (the tests), ``judging`` and ``ranking``, ``importance`` (which keys mattered), ``verdict`` (the
sentence), ``completeness`` (what is missing), ``tables`` and ``documents`` (text and files), ``sweep_end`` (what ends
a sweep).
"""
