"""One run, from its config to its record: where data, engine, training and tracking meet.

app/ enters here, by ``pipeline.train_and_record``. Read ``pipeline`` first; ``provenance`` says what the run is and
came from, ``resumption`` goes on with an earlier one, ``artifacts`` writes what it leaves, ``display`` shows it.
"""
