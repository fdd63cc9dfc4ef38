"""Sweeps: many runs as one thing.

grid        what is typed -> jobs, every combination checked
manifest    the jobs, frozen: whatever happens to conf/ meanwhile
record      the sweep in MLflow: its own run, and the states of its members
execution   launched, tried again, stopped, resumed
overview    the plan as a table
membership  a run's side of it
names       what members are called
"""
