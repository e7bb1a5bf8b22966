"""Exact integer arithmetic: weights, updates, aggregation."""
