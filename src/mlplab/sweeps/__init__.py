"""Many runs as one thing: planned, recorded, launched, resumed.

The sweeper plugins and reproduction/ enter here, by ``grid_sweep``. Read that first; then, in the order of events:
``grid`` (command line -> jobs, by ``axes`` and ``condition``), ``manifest`` (the frozen jobs), ``execution`` (start or
resume, then record), ``launching`` (launch, retry, stop), ``record`` (the sweep in MLflow); ``membership`` is what a
single member does.
"""
