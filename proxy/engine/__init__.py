"""Engines: what turns a snapshot into a running data path. There is one, HAProxy."""
