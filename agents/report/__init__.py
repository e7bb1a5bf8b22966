"""How reports, those of benchmarks too, write and draw: words, plots, the style of figures, templates."""
