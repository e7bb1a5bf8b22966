"""The paper's section III, measured on this market: `make bench`, or `python -m benchmarks --help`.

Every absolute figure is printed with its machine; every claim is a ratio of two figures of one run.
"""
