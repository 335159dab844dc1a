"""The benchmark: what a cycle costs beside what this machine's API server can do at most (``make bench``)."""
