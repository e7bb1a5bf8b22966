"""What every agent shares: identifiers, receipts, the market's mirror, errors, settings."""
