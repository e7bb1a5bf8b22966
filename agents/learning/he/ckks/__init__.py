"""Approximate training on CKKS ciphertexts of real numbers."""
