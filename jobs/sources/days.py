"""In which UTC day a raw time lies: the time rules that ``land`` applies to the text of a record."""

from datetime import UTC, date, datetime


def of_iso(text: str) -> date:
    """UTC day of an ISO 8601 instant; without an offset it is taken as UTC. Raises ValueError.

    >>> of_iso("2026-01-05T23:30:00-05:00").isoformat()
    '2026-01-06'
    """
    instant = datetime.fromisoformat(text)
    return instant.date() if instant.tzinfo is None else instant.astimezone(UTC).date()


def of_clock(text: str) -> date:
    """Day of ``YYYY-MM-DD hh:mm:ss``, a time that is already UTC or is taken as such. Raises ValueError.

    >>> of_clock("2010-12-01 08:26:00").isoformat()
    '2010-12-01'
    """
    if len(text) != len("YYYY-MM-DD hh:mm:ss"):
        raise ValueError(f"{text!r} is not YYYY-MM-DD hh:mm:ss")
    return datetime.fromisoformat(text).date()


def of_epoch_seconds(text: str) -> date:
    """UTC day of an instant in whole seconds since 1970 as ten digits (2001 to 2286). Raises ValueError: fewer are a number cut short.

    >>> of_epoch_seconds("1511658000").isoformat()
    '2017-11-26'
    """
    return _of_digits(text, digits=10)


def of_epoch_milliseconds(text: str) -> date:
    """UTC day of an instant in whole milliseconds since 1970 as thirteen digits (2001 to 2286). Raises ValueError.

    >>> of_epoch_milliseconds("1430636062541").isoformat()
    '2015-05-03'
    """
    return _of_digits(text, digits=13)


def _of_digits(text: str, *, digits: int) -> date:
    if len(text) != digits or not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is not a time of {digits} digits")
    return datetime.fromtimestamp(int(text[:10]), tz=UTC).date()
