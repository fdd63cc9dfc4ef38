"""One run, from its config to its record: where data, engine, training and tracking meet.

app/ enters here, by ``pipeline.train_and_record``. Read ``pipeline`` first; ``preparation`` puts together what is
trained, ``ending`` records what came of it, ``provenance`` what determines the run, ``resumption`` continues an
earlier one, ``artifacts`` writes its files, ``display`` shows it.
"""
