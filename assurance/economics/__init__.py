"""What each role's strategies pay, measured on the market itself."""
