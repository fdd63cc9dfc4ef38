"""Sweeps: many runs as one thing.

grid        what is typed -> jobs, every combination checked
manifest    the jobs, frozen: whatever happens to conf/ meanwhile
record      the sweep in MLflow: its own run, and the states of its members
execution   carried out: begun or resumed, and recorded however it ends
launching   members launched, tried again, stopped
countdown   how far they are
command     what -m does with all of these
overview    the plan as a table
membership  a run's side of it
"""
