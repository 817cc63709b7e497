"""Settings and secrets of a container: environment variables, or files that ``<NAME>_FILE`` names. Standard library only."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from jobs.strength import weak

BAD_SETTINGS = 65


def refuse(message: str) -> NoReturn:
    """End with one line that says what is wrong."""
    sys.stderr.write(f"error: {message}\n")
    raise SystemExit(BAD_SETTINGS)


def setting(name: str, default: str | None = None, environ: Mapping[str, str] = os.environ) -> str:
    """What is given under a name; ends the process with its name where nothing is."""
    file = environ.get(f"{name}_FILE")
    value = Path(file).read_text(encoding="utf-8").strip() if file else environ.get(name, "")
    value = value or (default or "")
    if not value:
        refuse(f"{name} is not set; give it, or name a file that holds it as {name}_FILE (docs/deploy.md)")
    return value


def secrets(names: Sequence[str], environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Secrets by name; ends the process with the names of those that are missing, common, short or used twice."""
    found = {name: setting(name, environ=environ) for name in names}
    if wrong := weak(found):
        refuse(f"{'; '.join(wrong)}. `python -m stack.images.environment` makes good ones")
    return found
