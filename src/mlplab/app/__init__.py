"""What Hydra, Python and the command line call: the commands themselves.

The entry scripts and the Hydra plugins enter here. Read ``train`` and ``task`` first; ``composition`` turns Hydra's
config into ours, ``startup`` begins a run, ``commandline`` turns every fault into one message.
"""
