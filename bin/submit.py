#!/usr/bin/env python3
"""``spark-submit`` with drivers that stay for the next task: see ``stack/submission.py``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from stack.submission import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
