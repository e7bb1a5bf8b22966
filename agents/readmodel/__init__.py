"""What the events of a market tell: its members, rounds, jobs, faults and money.

Pure: events and transactions go in, frozen dataclasses come out, and `jsonable` makes JSON of any of them.
`Projections` folds it all event by event; report, audit, and whatever else reads the market ask it.
"""
