"""Data sets: published ones (``catalog``), how their files are fetched (``acquire``) and verified (``idx``).
And people's own (``own``), of which a reader finds the parts (``npz``, ``table``, ...) that ``assembly`` joins.

run/ and page/ enter here, by ``load``, ``test_images`` and ``test_rows``. Read ``catalog`` first, then ``dataset``,
which splits and scales what was read.
"""

from mlplab.data.dataset import Dataset, Split, is_at_hand, load, test_images, test_rows
from mlplab.data.scaling import Scaling
from mlplab.data.source import Coding

__all__ = ["Coding", "Dataset", "Scaling", "Split", "is_at_hand", "load", "test_images", "test_rows"]
