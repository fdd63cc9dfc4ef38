"""Data sets: acquired (``acquire``), verified and read (``idx``), split and scaled (``dataset``)."""

from mlplab.data.dataset import Dataset, Scaling, Split, is_at_hand, load, test_images

__all__ = ["Dataset", "Scaling", "Split", "is_at_hand", "load", "test_images"]
