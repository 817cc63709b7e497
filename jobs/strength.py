"""Passwords and keys that anybody would try first: what a deployment refuses to start with. Standard library only."""

from collections.abc import Mapping

LEAST_CHARACTERS = 16

COMMON = (
    "admin",
    "airflow",
    "changeme",
    "default",
    "example",
    "lake",
    "mart",
    "minio",
    "mlflow",
    "password",
    "postgres",
    "secret",
    "spark",
    "test",
    "tradewind",
)
"""What no secret consists of, alone or with digits and signs around it, or again and again."""


def weakness(secret: str) -> str | None:
    """Why a secret is none, or None when nothing speaks against it.

    >>> weakness("password1234")
    'is a word that everybody tries'
    >>> weakness("b7f2c9d1")
    'is shorter than 16 characters'
    >>> weakness("aaaaaaaaaaaaaaaaaaaa")
    'has fewer than 8 different characters'
    >>> weakness("3f2b8c1d9e7a4c60b5d1")
    """
    letters = "".join(sign for sign in secret.lower() if sign.isalpha())
    for word in COMMON:
        if letters and not letters.replace(word, ""):
            return "is a word that everybody tries"
    if len(secret) < LEAST_CHARACTERS:
        return f"is shorter than {LEAST_CHARACTERS} characters"
    return "has fewer than 8 different characters" if len(set(secret)) < 8 else None


def weak(secrets: Mapping[str, str]) -> list[str]:
    """What is wrong with named secrets, a line each, without any of them; two that are the same are one too few.

    >>> weak({"LAKE_PASSWORD": "lake", "MART_PASSWORD": "3f2b8c1d9e7a4c60b5d1", "S3_KEY": "3f2b8c1d9e7a4c60b5d1"})
    ['LAKE_PASSWORD is a word that everybody tries', 'S3_KEY is the same as MART_PASSWORD']
    """
    found, first = [], dict[str, str]()
    for name, secret in secrets.items():
        if problem := weakness(secret):
            found.append(f"{name} {problem}")
        elif secret in first:
            found.append(f"{name} is the same as {first[secret]}")
        first.setdefault(secret, name)
    return found
