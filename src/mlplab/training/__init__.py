"""How a network learns, whoever computes: the loop, which batches it takes, and how it can stop and go on.

run/ enters here; nothing here knows MLflow. Read ``loop`` first, then ``schedule``; ``diagnostics`` looks inside the
network at every point, ``checkpoint`` keeps the exact state in one file.
"""
