"""MLflow as a place: where runs are kept (``store``), how that is reached (``target``), and how it is read in bulk.

tracking/, comparison/ and page/ enter here. Read ``store`` first, then ``target``; ``faults`` tells a store that is
away from one that refuses, and ``sqlite_file`` and ``relocation`` are about the file on this machine.
"""
