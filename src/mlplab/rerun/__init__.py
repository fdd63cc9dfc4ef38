"""A run that the store has, run again and compared with it: bit by bit, or within a tolerance.

app/ enters here. Read ``recorded`` first (what a run left in the store), then ``differences`` (what is another now),
``agreement`` (points and weights, compared) and ``certificate`` (what is said and kept of that); ``chosen`` says which
runs were meant, ``old_code`` brings back the code of then.
"""
