"""The one script that is submitted to Spark: build the named tables, models or releases over a half-open interval of landing days.

It lies outside the package because Spark puts a submitted script's own folder first on the import path.
"""

import sys

from jobs.entry import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
