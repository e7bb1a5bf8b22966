"""Organisations on hosts of their own train a model together, over a real chain and a real object store.

Each host is a network namespace, each role a user and a process of its own, as far as this machine allows;
the report says how far that was. What an operator would type is typed: `holdfast` and nothing else.
"""
