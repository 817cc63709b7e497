"""What the DAG files share: the operator, the retry policy, defaults, assets and alerts."""
