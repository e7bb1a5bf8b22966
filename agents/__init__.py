"""Holdfast's off-chain side: the agents of data, cloud and model owners, and the auditor."""

__version__ = "0.1.0"
