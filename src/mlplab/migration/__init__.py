"""A store copied to another one: runs with all that they have, their models and sweeps, verified, and resumable.

app/ enters here. Read ``migrating`` first, which says in which order; ``content`` is what a store has of a run, and
``translation`` what must change in it, because the other store gives every run, model and experiment another id.
"""
