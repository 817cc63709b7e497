"""A model that is not meant for so much says so before it starts."""

from jobs.errors import TooLargeError


def require(model: str, what: str, found: int, most: int) -> None:
    """Raise TooLargeError when there are more than ``most``.

    >>> require("ease", "items", 3, 2)
    Traceback (most recent call last):
    ...
    jobs.errors.TooLargeError: ease: expected at most 2 items, the size it is meant for; found 3. Choose another model.
    """
    if found > most:
        raise TooLargeError(
            model, expected=f"at most {most:,} {what}, the size it is meant for", found=f"{found:,}", advice="Choose another model."
        )
