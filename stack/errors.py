"""What the stack raises when a person has to act."""


class StackError(Exception):
    """The services cannot do what was asked; the message ends in what to do next."""

    def __init__(self, what: str, *, advice: str) -> None:
        self.what, self.advice = what, advice
        super().__init__(f"{what} {advice}")
