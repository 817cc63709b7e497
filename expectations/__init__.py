"""What must be true of each table: one suite a table, mirrored from jobs/."""
