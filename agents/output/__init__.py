"""What goes to a terminal or into a log: nothing else in agents/ writes there."""
