"""Trained models as people name them: found in the store, verified before anything in them runs, registered.

app/ and sweeps/ enter here. Read ``finding`` first (what ``model=`` may say), then ``trust``: only what this project
saved is loaded. Then ``registering``: versions of registered models, and which of them is the champion.
"""
