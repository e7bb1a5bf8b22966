"""Faults put into the contracts one at a time, and whether anything notices; `make mutate`."""
