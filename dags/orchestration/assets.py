"""What DAGs tell each other."""

from airflow.sdk import Asset

GOLD = Asset("gold")
"""The gold features and the recorded set of one landing day; the partition key is that day, ``YYYY-MM-DD``."""
