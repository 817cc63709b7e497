"""Where a thing comes from and what was made of it, both ways between landed lines and exported files."""
