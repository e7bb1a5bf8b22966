"""The work that roles ask for: one worker a role."""
