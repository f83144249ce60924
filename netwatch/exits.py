"""What does the exit code say? Part of the interface: scripts and timers rely on it."""

from enum import IntEnum


class Exit(IntEnum):
    """In order of precedence where several hold: ERROR, FINDINGS, UNTOLD, INCOMPLETE, CLEAN."""

    CLEAN = 0  # done; nothing at or above --fail-on but what is accepted
    ERROR = 1  # could not do it; the message says why and what to do
    USAGE = 2  # the command line is wrong
    FINDINGS = 3  # findings at or above --fail-on, not counting what is accepted
    INCOMPLETE = 4  # the scan could not cover what was asked
    BUSY = 5  # another netwatch is at work on this site: nothing was done, nobody was mailed
    CLOSED = 6  # outside the hours of the site file: nothing was sent
    UNTOLD = 7  # an alert has not arrived: refused, given up, or waiting for over a day
