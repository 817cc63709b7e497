"""The services on this machine: Postgres, object store, MLflow and Airflow under a supervisor, one set a shop."""
