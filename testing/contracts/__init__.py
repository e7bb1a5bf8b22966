"""Contracts under test, on an EVM in this process, or on a node where Brownie runs the tests."""
