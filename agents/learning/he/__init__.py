"""Training on encrypted weights. The only folder that imports the encryption library."""
