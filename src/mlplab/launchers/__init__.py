"""Where the members of a sweep run, beyond this machine's processes: Ray and SLURM.

Hydra's plugins (``src/hydra_plugins``) enter here, at ``installed`` and ``launch``. Read ``launch``, then a pool.
Nothing here knows runs or MLflow: what it carries out are Hydra's jobs.
"""
