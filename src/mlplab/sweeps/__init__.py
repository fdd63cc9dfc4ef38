"""Many runs as one thing: planned, recorded, launched, resumed.

The sweeper plugins and reproduction/ enter here, by ``grid_sweep``. Read that first; then, in the order of events:
``grid`` (what is typed -> jobs), ``manifest`` (jobs, frozen), ``execution`` (begun or resumed, recorded however it
ends), ``launching`` (tried, stopped), ``record`` (what MLflow knows of it); ``membership`` is a run's side of it.
"""
