"""The life of a run: written to a journal first, and carried to MLflow by a sender, so that nothing is lost.

run/ and sweeps/ enter here, by ``run``; whoever reads runs, by ``reading``. Read ``run`` first; then, in the order of
events, ``records`` and ``journal`` (what is written), ``claim`` (who may write), ``sender`` and ``delivery`` (into the
store), ``outbox`` (what is not sent yet) and ``vanished`` (runs whose process is gone). The names of tags, metrics and
artifacts are in ``mlplab.schema``.
"""
