"""Sweeps: many runs as one thing (``grid``), named by what varies (``names``)."""
