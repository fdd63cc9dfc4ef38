"""MLflow: where runs are kept (``store``), the life of a run (``run``), what a run was (``identity``), its ``model``.

run/, sweeps/ and comparison/ enter here. Read ``store`` first, then ``run``; ``process`` and ``heartbeat`` tell a run
at work from one whose process is gone. The names of tags, metrics and artifacts are in ``mlplab.schema``.
"""
