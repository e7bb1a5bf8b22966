"""What tests and assurance programs share."""
