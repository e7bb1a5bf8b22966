"""The demo: a whole market on one machine, with planted cheats, and the report of what happened."""
