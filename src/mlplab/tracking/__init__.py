"""MLflow: where runs are kept (``store``), the life of a run (``run``), its ``identity``, its ``model``.

run/, sweeps/ and comparison/ enter here. Read ``store`` first, then ``run``; ``process`` and ``heartbeat`` show
whether the process of a run still exists. The names of tags, metrics and artifacts are in ``mlplab.schema``.
"""
