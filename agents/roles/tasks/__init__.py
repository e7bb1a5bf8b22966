"""The work that roles ask for, role by role."""
