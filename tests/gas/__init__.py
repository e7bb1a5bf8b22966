"""How gas grows with what a call is for."""
