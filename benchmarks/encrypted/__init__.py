"""Encrypted training beside plain integers, and beside a tutorial's way."""
