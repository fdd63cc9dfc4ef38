"""The commands: what the command line and Hydra call.

The entry scripts and the Hydra plugins enter here. Read ``train`` and ``task`` first; ``composition`` turns Hydra's
config into ours, ``startup`` starts a run, ``commandline`` turns every user error into one message.
"""
