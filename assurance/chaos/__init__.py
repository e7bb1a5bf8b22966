"""A market of eight agents that trains while their nodes misbehave in every way that we could think of.

Each agent has a way of its own through a proxy to one real node. What the proxy gets wrong are the faults of
`testing.faults`, alone or in mixtures.
"""
