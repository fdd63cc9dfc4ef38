"""Trained models as people name them: found in the store, verified before anything in them runs, registered, used.

app/ and sweeps/ enter here. Read ``finding`` first (what ``model=`` may say), then ``trust``: only what this project
saved is loaded. Then ``registering``: versions of registered models, and which of them is the champion. Using one
begins at ``loading`` and ``row_forms`` (what it takes); ``serving/`` answers over HTTP, ``incoming`` and
``prediction_file`` are rows in files and what comes of them, ``onnx_export`` takes it elsewhere.
"""
