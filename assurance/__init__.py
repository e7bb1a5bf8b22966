"""Programs that try to break the market: stateful play, coverage, mutants, proofs, economics."""
