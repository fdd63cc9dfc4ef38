"""Models over HTTP: MLflow's own scoring server for each, behind a check of what is asked.

app/ enters here, by ``front``. Read ``bodies`` first: what may be asked, and what the scoring server is then asked.
"""
