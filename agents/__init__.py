"""Holdfast's off-chain side: the agents of data, cloud and model owners, and the auditor."""
