"""``python -m stack.images.environment FILE``: settings for ``docker/compose.yaml``, with a fresh secret wherever one is asked for.

Made from ``docker/.env.example``, where a setting without a value is a secret. A file that is there is completed, and nothing in it
changed.
"""

import base64
import re
import secrets
import sys
from pathlib import Path

from stack.credentials import write_private

EXAMPLE = Path(__file__).resolve().parents[2] / "docker" / ".env.example"
_LINE = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")


def completed(example: str, known: str = "") -> str:
    r"""The example with what is known already, and random secrets for what has no value.

    >>> completed("# whose\nUSER=me\nKEY=\n", "KEY=known\n")
    '# whose\nUSER=me\nKEY=known\n'
    """
    values = {match[1]: match[2] for line in known.splitlines() if (match := _LINE.fullmatch(line))}
    lines = []
    for line in example.splitlines():
        match = _LINE.fullmatch(line)
        lines.append(f"{match[1]}={values.pop(match[1], '') or match[2] or fresh(match[1])}" if match else line)
    return "\n".join([*lines, *(f"{name}={value}" for name, value in values.items()), ""])


def fresh(name: str) -> str:
    """A random secret: 192 bits in hexadecimal digits; more, or in another form, where whoever reads it asks for that."""
    if name == "AIRFLOW_FERNET_KEY":
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_hex(48 if name == "AIRFLOW_JWT_SECRET" else 24)


def main() -> None:
    """Write the file, mode 0600."""
    file = Path(sys.argv[1])
    known = file.read_text(encoding="utf-8") if file.exists() else ""
    text = completed(EXAMPLE.read_text(encoding="utf-8"), known)
    if text != known:
        write_private(file, text)
        print(f"{file} is {'completed' if known else 'made'}; keep it where secrets are kept")


if __name__ == "__main__":
    main()
