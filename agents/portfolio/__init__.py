"""What a member has, each thing a small file in its home: datasets that it offers, models that it wants."""
