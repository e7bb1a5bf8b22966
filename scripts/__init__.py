"""Brownie entry points, one verb a file; the work is in `agents`."""
