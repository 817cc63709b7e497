"""What happened: typed, deduplicated, checked."""
