"""What members that act with one purse can win of the others: searched for, and played on the market."""
