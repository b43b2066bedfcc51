"""The process: what is wired to what, and the loops that run beside the servers."""
