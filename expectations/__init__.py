"""What must be true of each table: one suite a table, mirrored from jobs/."""

import os

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # before Great Expectations is imported, which reports its use otherwise
