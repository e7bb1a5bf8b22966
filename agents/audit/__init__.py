"""Rebuilds the market from its events alone and compares."""
