"""What was measured, told: ratios, tables, figures, a page."""
