"""``python -m agents``: see `agents.cli`."""

from agents.cli import main

main()
