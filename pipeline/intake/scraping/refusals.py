"""Why a photo was not fetched: for good, or for now."""


class Refused(Exception):
    """A photo that is not fetched, now or later; the message is one line for people."""


class Failed(Exception):
    """A photo that could not be fetched now; the message is one line for people.

    Args:
        reason: what happened.
        answered: whether its host answered at all, so that the trouble is the photo's own.
        busy: whether the host asked for patience.
        wait: seconds for which it asked, where it said so.
    """

    def __init__(self, reason: str, *, answered: bool = False, busy: bool = False, wait: float | None = None) -> None:
        super().__init__(reason)
        self.answered = answered
        self.busy = busy
        self.wait = wait


def in_one_line(text: str, max_length: int = 80) -> str:
    """What a server said, fit for a table and a terminal."""
    printable = "".join(sign if sign.isprintable() else "?" for sign in text)
    return printable if len(printable) <= max_length else printable[: max_length - 1] + "…"
