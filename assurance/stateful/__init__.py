"""The market driven at random by honest and hostile members, and what must hold after every step."""
