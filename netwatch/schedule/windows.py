"""What is Windows' Task Scheduler told? A task in XML, as `schtasks /Create /XML` reads it. Pure.

The schema is Microsoft's: https://learn.microsoft.com/en-us/windows/win32/taskschd/task-scheduler-schema, of
which the pages of taskType, calendarTriggerType, settingsType and logonType were read. Where it stops: it was
never run on Windows.
"""

from __future__ import annotations

import subprocess
from datetime import datetime
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from netwatch.errors import ConfigError
from netwatch.schedule import ANY_DAY, Recipe, one_line

if TYPE_CHECKING:
    from netwatch.schedule import Job

SPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
LONGEST = "PT20H"  # the next night must find the way free


def task_name(slug: str) -> str:
    """Under which the task is kept."""
    return f"netwatch\\{slug}"


def recipe(job: Job) -> Recipe:
    """The file, and the command that hands it over; Windows asks for the user's password (`*`)."""
    file = PureWindowsPath(job.data) / f"netwatch-{job.slug}.xml"
    create = ("schtasks", "/Create", "/TN", task_name(job.slug), "/XML", str(file))
    return Recipe(files=((file, xml(job)),), commands=((*create, "/RU", job.user, "/RP", "*", "/F"),))


def removal(slug: str) -> Recipe:
    """No file stays; the command that takes it away."""
    return Recipe((), (("schtasks", "/Delete", "/TN", task_name(slug), "/F"),))


def xml(job: Job) -> str:
    """The task. Every night, a missed one once, not on top of another, whether somebody is logged in or not.

    LogonType is Password: S4U, which needs none, has "no access to the network" by Microsoft's own page.
    """
    command, *rest = map(_literal, job.command("scan"))
    task = Element("Task", {"version": "1.3", "xmlns": SPACE})
    about = SubElement(task, "RegistrationInfo")
    _say(about, "Description", f"netwatch: {one_line(job.name)}")
    trigger = SubElement(SubElement(task, "Triggers"), "CalendarTrigger")
    _say(trigger, "StartBoundary", datetime.combine(ANY_DAY, job.at).isoformat())
    _say(trigger, "RandomDelay", f"PT{job.spread}M")
    _say(SubElement(trigger, "ScheduleByDay"), "DaysInterval", "1")
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
        ("WakeToRun", "true"),
        ("Enabled", "true"),
        ("ExecutionTimeLimit", LONGEST),
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
