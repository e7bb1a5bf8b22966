"""Which statements and branches of the contracts were run; `make coverage`."""
