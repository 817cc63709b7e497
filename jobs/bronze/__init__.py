"""Bronze: what was received, line by line."""
