"""Agents that are killed wherever they write, send or store, found by watching a life and not by a list.

Each agent is a process of its own that SIGKILL ends; the chain is the market's contract on an EVM in the
process that plays the life, at a time that it sets.
"""
