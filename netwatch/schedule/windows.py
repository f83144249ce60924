"""What is Windows' Task Scheduler told? Two tasks in XML, as `schtasks /Create /XML` reads them: one for the
nights, one that looks after the post between them. Pure.

The schema is Microsoft's: https://learn.microsoft.com/en-us/windows/win32/taskschd/task-scheduler-schema, of
which the pages of taskType, triggerBaseType, repetitionType, calendarTriggerType, settingsType and logonType
were read. Where it stops: it was never run on Windows.
"""

from __future__ import annotations

import subprocess
from datetime import datetime, time
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from netwatch.errors import ConfigError
from netwatch.schedule import ANY_DAY, Recipe, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netwatch.schedule import Job

SPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
NIGHT, HOURLY = "PT20H", "PT15M"  # the longest of each: the next night must find the way free


def task_name(slug: str) -> str:
    """Under which the task of the nights is kept."""
    return f"netwatch\\{slug}"


def between(slug: str) -> str:
    """Under which the one that looks after the post is kept. No slug has a point: it is no other site's."""
    return f"{task_name(slug)}.tend"


def recipe(job: Job) -> Recipe:
    """The files, and the commands that hand them over; Windows asks for the user's password (`*`)."""
    files, commands = [], []
    for name, text in ((task_name(job.slug), xml(job)), (between(job.slug), hourly(job))):
        file = PureWindowsPath(job.data) / ("-".join(PureWindowsPath(name).parts) + ".xml")
        create = ("schtasks", "/Create", "/TN", name, "/XML", str(file))
        files.append((file, text))
        commands.append((*create, "/RU", job.user, "/RP", "*", "/F"))
    return Recipe(tuple(files), tuple(commands))


def removal(slug: str) -> Recipe:
    """No file stays; the commands that take it away."""
    names = (between(slug), task_name(slug))
    return Recipe((), tuple(("schtasks", "/Delete", "/TN", name, "/F") for name in names))


def xml(job: Job) -> str:
    """The task of the nights: every night, a missed one once, not on top of another."""
    trigger = Element("CalendarTrigger")
    _say(trigger, "StartBoundary", datetime.combine(ANY_DAY, job.at).isoformat())
    _say(trigger, "RandomDelay", f"PT{job.spread}M")
    _say(SubElement(trigger, "ScheduleByDay"), "DaysInterval", "1")
    return _task(job, "scan", trigger, {"WakeToRun": "true", "ExecutionTimeLimit": NIGHT})


def hourly(job: Job) -> str:
    """The other task: every hour, without end; it wakes nobody. A missed hour is nothing."""
    trigger = Element("TimeTrigger")
    _say(trigger, "StartBoundary", datetime.combine(ANY_DAY, time(0, job.tended)).isoformat())
    _say(SubElement(trigger, "Repetition"), "Interval", "PT1H")
    return _task(job, "tend", trigger, {"WakeToRun": "false", "ExecutionTimeLimit": HOURLY})


def _task(job: Job, verb: str, trigger: Element, more: Mapping[str, str]) -> str:
    """A task that runs whether somebody is logged in or not. `more`: settings of its own.

    LogonType is Password: S4U, which needs none, has "no access to the network" by Microsoft's own page.
    """
    command, *rest = map(_literal, job.command(verb))
    task = Element("Task", {"version": "1.3", "xmlns": SPACE})
    about = SubElement(task, "RegistrationInfo")
    _say(about, "Description", f"netwatch: {one_line(job.name)}")
    SubElement(task, "Triggers").append(trigger)
    principal = SubElement(SubElement(task, "Principals"), "Principal", {"id": "Author"})
    for name, value in (("UserId", job.user), ("LogonType", "Password"), ("RunLevel", "LeastPrivilege")):
        _say(principal, name, value)
    settings = SubElement(task, "Settings")
    for name, value in (
        ("MultipleInstancesPolicy", "IgnoreNew"),
        ("DisallowStartIfOnBatteries", "false"),
        ("StopIfGoingOnBatteries", "false"),
        ("StartWhenAvailable", "true"),
        ("RunOnlyIfNetworkAvailable", "true"),
        ("Enabled", "true"),
        *more.items(),
    ):
        _say(settings, name, value)
    action = SubElement(SubElement(task, "Actions", {"Context": "Author"}), "Exec")
    _say(action, "Command", command)
    _say(action, "Arguments", subprocess.list2cmdline(rest))
    indent(task)
    return f'<?xml version="1.0" encoding="UTF-16"?>\n{tostring(task, encoding="unicode")}\n'


def _say(parent: Element, name: str, value: str) -> None:
    SubElement(parent, name).text = value


def _literal(word: str) -> str:
    """A word that the Task Scheduler does not fill in, as it does `%NAME%` and `$(ARG)`, without an escape.

    Raises ConfigError.
    """
    if "%" in word or "$(" in word:
        raise ConfigError("schedule.unfit-windows", path=word)
    return word
