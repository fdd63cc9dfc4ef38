"""Published results, re-run and judged.

The plugin ``hydra/sweeper=reproduce`` enters here, by ``reproduction``. Read ``published`` first (the figures, cell by
cell), then ``plan`` (cells -> jobs) and ``verdicts``; ``report`` and ``answers`` write what came out.
"""
