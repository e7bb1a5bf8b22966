"""Tables, their split into skewed subsets, and canonical bytes."""
