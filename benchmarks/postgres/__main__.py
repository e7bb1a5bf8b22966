"""Measures the centralised peer alone, and prints what it found as JSON."""

from benchmarks.alone import alone
from benchmarks.postgres import measure

if __name__ == "__main__":
    alone("postgres", measure)
