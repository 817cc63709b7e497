"""What was done: runs, audits, sets, decisions, releases."""
