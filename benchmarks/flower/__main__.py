"""Measures the federated peer alone, and prints what it found as JSON."""

from benchmarks.alone import alone
from benchmarks.flower import measure

if __name__ == "__main__":
    alone("flower", measure)
