"""Learning: tables, skewed splits, plans, exact training, aggregation, evaluation. No chain, no store."""
