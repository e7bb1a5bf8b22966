"""What noise that protects people costs: `make bench-privacy`."""
