"""The startup kit: one signed file of what the members of a consortium have agreed on."""
