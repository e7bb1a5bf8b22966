"""A market of eight agents that trains while their nodes misbehave in every way that we could think of.

Each agent has a proxy of its own before one real node. What the proxy gets wrong is a fault of `testing.faults`,
alone or in a mixture.
"""
