"""The work that roles ask for: one bench a role."""
