"""The one script that is submitted to Spark: build the named tables, models or releases over a half-open interval of landing days.

It lies outside the package because Spark puts a submitted script's own folder first on the import path.
"""

import sys

from jobs.entry import main
from jobs.leash import die_with_parent

if __name__ == "__main__":
    die_with_parent()
    sys.exit(main(sys.argv[1:]))
