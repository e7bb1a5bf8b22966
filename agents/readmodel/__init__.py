"""Projections of the market's events."""
