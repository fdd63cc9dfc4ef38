"""A sweep whose next run depends on the former ones. Optuna proposes and prunes; everything else is a sweep's.

``sweeps.entry`` enters here, by ``search_sweep``. Read that first; then ``space`` (Hydra's grammar -> Optuna's
distributions), ``proposals`` (the next run), ``searching`` (slots that never wait for the slowest), ``study`` and
``job_trials`` (Optuna's record), and ``trial_pruning``, which is what a member does.
"""
