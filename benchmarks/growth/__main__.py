"""Measures growth alone, and prints what it found as JSON."""

from benchmarks.alone import alone
from benchmarks.growth import measure

if __name__ == "__main__":
    alone("growth", measure)
