"""Tags: what is true of a user on a day, declared in a reviewed file, compiled to Spark SQL."""
