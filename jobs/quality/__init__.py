"""Quality over time: what each partition looked like, and whether a day looks like the days before it."""
