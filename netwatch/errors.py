"""What can stop a command? Errors that a user can act on, drawn as a tree.

The command line turns each into one line and an exit code, in one place::

    NetwatchError
    ├── ConfigError      the site file is wrong: names the key and says what is right
    ├── ScopeError       a packet would have left what is authorised
    │   └── HoursError   the site's window is closed
    ├── StoreError       the database cannot be opened, or is newer than we are
    │   └── BusyError    another netwatch is at work on this site
    ├── DeliveryError    a mail could not be handed over
    └── OutsideError     nobody outside can be asked, or what they say is worth nothing
"""

from __future__ import annotations

import traceback


class NetwatchError(Exception):
    """Something the user can act on.

    `message` is the id of a sentence in netwatch/words/*.toml and `details` fill it in; `str()` gives
    the English sentence's ingredients, the command line gives the sentence in the user's language.
    """

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message, details)
        self.message = message
        self.details = details

    def __str__(self) -> str:
        """Enough for a log: the id and what fills it in."""
        return f"{self.message}: " + ", ".join(f"{k}={v}" for k, v in self.details.items())


class ConfigError(NetwatchError):
    """A site file, or an option, is wrong. `problems` holds one error per key when there are several."""

    def __init__(self, message: str, problems: tuple[ConfigError, ...] = (), **details: object) -> None:
        super().__init__(message, **details)
        self.problems = problems


class ScopeError(NetwatchError):
    """Refused: outside the site's authorisation. No packet left."""


class HoursError(ScopeError):
    """Refused: outside the site's hours. No packet left."""


class StoreError(NetwatchError):
    """The database cannot be used."""


class BusyError(StoreError):
    """Another netwatch is at work on this site."""


class DeliveryError(NetwatchError):
    """A mail was not accepted. `permanent`: trying again will not help."""

    def __init__(self, message: str, *, permanent: bool = False, **details: object) -> None:
        super().__init__(message, **details)
        self.permanent = permanent


class OutsideError(NetwatchError):
    """Somebody outside (the vantage, the box, Shodan) cannot be asked. `reason` is a netwatch.model.Reason.

    It becomes a Failure in one place, and the rest of the night goes on.
    """

    def __init__(self, message: str, reason: str, **details: object) -> None:
        super().__init__(message, **details)
        self.reason = reason


def where(error: Exception) -> str:
    """The kind of an error and where it was raised; not its text, which may hold a peer's bytes."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame.filename.rpartition('/')[2]}:{frame.lineno}"
