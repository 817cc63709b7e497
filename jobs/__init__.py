"""The jobs: what is computed, from landed files to releases."""
