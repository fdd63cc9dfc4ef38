"""Where the members of a sweep run, beyond this machine's processes. Read ``launch``, then a pool."""
