"""The roles and databases of a deployment on any Postgres, made by its administrator. Run again it sets passwords anew."""

import psycopg

from stack.credentials import ROLES
from stack.database_roles import make_roles
from stack.images.given import refuse, secrets, setting

ADMIN_PASSWORD = "POSTGRES_PASSWORD"  # noqa: S105  (a variable's name)


def variable(role: str) -> str:
    """The variable of a role's password.

    >>> variable("mart_reader")
    'MART_READER_DB_PASSWORD'
    """
    return f"{role.upper()}_DB_PASSWORD"


def main() -> None:
    """Connect as the administrator and make what is missing."""
    given = secrets((ADMIN_PASSWORD, *map(variable, ROLES)))
    host, port = setting("POSTGRES_HOST"), setting("POSTGRES_PORT", "5432")
    try:
        with psycopg.connect(
            host=host,
            port=int(port),
            user=setting("POSTGRES_USER", "postgres"),
            password=given[ADMIN_PASSWORD],
            dbname="postgres",
            sslmode=setting("POSTGRES_SSLMODE", "prefer"),
            autocommit=True,
            connect_timeout=30,
        ) as connection:
            make_roles(connection, {role: given[variable(role)] for role in ROLES})
    except psycopg.Error as error:
        refuse(f"Postgres at {host}:{port}: {error}")
    print(f"Postgres knows {', '.join(ROLES)}")


if __name__ == "__main__":
    main()
