"""What a table's columns are, as a document: made from a table, edited by hand, given with ``--schema``."""
