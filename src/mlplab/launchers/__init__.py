"""Where the members of a sweep run, beyond this machine's processes. Read ``job``, then ``ray_jobs``."""
