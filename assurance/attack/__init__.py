"""Plays the attacks on privacy that the documents speak of, with real ciphertexts; `make attack`."""
