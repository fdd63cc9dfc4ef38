"""How a network learns, whichever engine computes: the loop, its batches and learning rates, and checkpoints.

run/ enters here; nothing here knows MLflow. Read ``loop`` first, then ``schedule``; ``diagnostics`` measures
gradients, updates and units at every point, ``judge`` says by the validation split which point is the best and when
training stops, ``checkpoint`` keeps the exact state in one file.
"""
