"""What default settings learn of real tables, beside the same rows in one place: `make bench-tables`."""
