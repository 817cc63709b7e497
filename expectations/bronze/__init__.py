"""What must be true of the landed lines."""
