"""How reports write and draw."""
