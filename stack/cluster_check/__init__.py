"""The check that a small shop's tables and factors are the same wherever Spark runs and into however many parts it cuts them."""
