"""Exact training on BFV ciphertexts of whole numbers."""
