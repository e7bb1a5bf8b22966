"""What the words of a column mean: numbers, days, categories, or nothing at all. No files, no Arrow."""
