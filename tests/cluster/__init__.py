"""Sweeps on real clusters: Ray with two nodes, SLURM with one, and a server on PostgreSQL. `make test-cluster`."""
