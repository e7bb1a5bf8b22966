"""What each party does: pure decisions on the market's mirror."""
