"""Data sets: where each comes from (``catalog``), how its files are fetched (``acquire``) and verified (``idx``).

run/ and page/ enter here, by ``load`` and ``test_images``. Read ``catalog`` first, then ``dataset``, which
splits and scales the contents of a source.
"""

from mlplab.data.dataset import Dataset, Scaling, Split, is_at_hand, load, test_images

__all__ = ["Dataset", "Scaling", "Split", "is_at_hand", "load", "test_images"]
