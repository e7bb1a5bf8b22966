"""Noise inside what is released of rows, and accounts of what that noise leaves unprotected."""
