"""Training plans: data, never code."""
