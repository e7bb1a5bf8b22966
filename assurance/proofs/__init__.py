"""The contract's rules shown for all values at once, by symbolic execution; `make prove`."""
