"""Who may open which database: a role and a database for each use, and a reader of the mart. For any Postgres, also a managed one."""

from collections.abc import Mapping

import psycopg
from psycopg import sql

from stack.credentials import DATABASES, MART_READER, ROLES

SHARED = ("postgres", "template1")
"""The databases that a server begins with; of a managed one they are its operator's."""


def make_roles(connection: "psycopg.Connection[tuple[str]]", passwords: Mapping[str, str]) -> None:
    """Make each missing role and its database, and let nobody else in; a password that differs from ``passwords`` is set anew.

    ``connection`` is one of an administrator, each statement its own transaction.
    """
    roles = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
    databases = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
    for name in ROLES:
        statement = sql.SQL("{} ROLE {} LOGIN PASSWORD {}")
        verb = sql.SQL("ALTER" if name in roles else "CREATE")
        connection.execute(statement.format(verb, sql.Identifier(name), sql.Literal(passwords[name])))
        if name in DATABASES and name not in databases:
            # A managed server's administrator is no superuser: it makes a database for a role only as a member of it.
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(name)))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(name)))
    owned = {row[0] for row in connection.execute("SELECT datname FROM pg_database WHERE pg_has_role(datdba, 'USAGE')")}
    for name in sorted(owned & {*DATABASES, *SHARED}):
        # By default everybody may connect to every database, and see the names of its tables.
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE mart TO {}").format(sql.Identifier(MART_READER)))
    connection.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(sql.Identifier(MART_READER)))
