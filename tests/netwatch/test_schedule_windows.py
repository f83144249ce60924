"""Is the task for Windows what Microsoft's schema allows, and does it say what was meant? Never run there.

The elements and their order: learn.microsoft.com, pages taskType, triggerBaseType, calendarTriggerType,
settingsType, principalType and logonType of the Task Scheduler Schema.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, time
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netwatch.errors import ConfigError
from netwatch.schedule import Job, in_a_line
from netwatch.schedule.installing import of_task
from netwatch.schedule.windows import SPACE, hourly, recipe, removal, xml

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element

CALMLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
JOB = Job(
    slug="cabinet",
    name='Cabinet "Martin" & <fils>',
    program=PureWindowsPath(r"C:\Users\Martin\.local\bin\netwatch.exe"),
    site=PureWindowsPath(r"C:\Users\Martin\Mes documents\cabinet.toml"),
    data=PureWindowsPath(r"C:\Users\Martin\AppData\Local\netwatch"),
    at=time(22, 30),
    spread=30,
    user="Martin",
)
TASK = {"RegistrationInfo", "Triggers", "Settings", "Data", "Principals", "Actions"}
TRIGGER = ["StartBoundary", "RandomDelay", "ScheduleByDay"]  # a sequence: in this order
PRINCIPAL = {"UserId", "LogonType", "GroupId", "DisplayName", "RunLevel"}
SETTINGS = {
    *("AllowStartOnDemand", "RestartOnFailure", "MultipleInstancesPolicy", "DisallowStartIfOnBatteries"),
    *("StopIfGoingOnBatteries", "AllowHardTerminate", "StartWhenAvailable", "NetworkProfileName"),
    *("RunOnlyIfNetworkAvailable", "WakeToRun", "Enabled", "Hidden", "DeleteExpiredTaskAfter"),
    *("IdleSettings", "NetworkSettings", "ExecutionTimeLimit", "Priority", "RunOnlyIfIdle"),
}
MEAN = st.text(alphabet=" \"\\&<>'^é", min_size=1, max_size=12)
NAMES = (MEAN | st.text(min_size=1, max_size=30)).filter(
    lambda text: in_a_line(text) and "%" not in text and "$(" not in text
)


def task(job: Job, written: Callable[[Job], str] = xml) -> Element:
    return fromstring(written(job).partition("?>")[2])  # type: ignore[no-any-return]


def below(parent: Element, path: str) -> list[str]:
    found = parent.find(path, {"": SPACE})
    assert found is not None, path
    return [child.tag.removeprefix(f"{{{SPACE}}}") for child in found]


def said(parent: Element, name: str) -> str:
    return parent.findtext(f".//{{{SPACE}}}{name}") or ""


def split(line: str) -> list[str]:
    """A command line as Windows' programs read it: 2n backslashes before a quote are n, one more keeps it."""
    words, word, inside, begun, rest = list[str](), "", False, False, line
    while rest:
        slashes = re.match(r"\\*", rest)
        count = len(slashes[0]) if slashes else 0
        rest = rest[count:]
        if rest.startswith('"'):
            word, begun, rest = word + "\\" * (count // 2), True, rest[1:]
            if count % 2:
                word += '"'
            else:
                inside = not inside
            continue
        word, begun = word + "\\" * count, begun or count > 0
        if not rest:
            break
        if rest[0] in " \t" and not inside:
            words, word, begun = ([*words, word] if begun else words), "", False
        else:
            word, begun = word + rest[0], True
        rest = rest[1:]
    return [*words, word] if begun else words


def test_the_elements_are_those_of_the_schema_in_its_order() -> None:
    for written, trigger, order in (
        (xml, "CalendarTrigger", TRIGGER),
        (hourly, "TimeTrigger", ["StartBoundary", "Repetition"]),
    ):
        allowed(task(JOB, written), trigger, order)


def allowed(made: Element, trigger: str, order: list[str]) -> None:
    assert made.tag == f"{{{SPACE}}}Task"
    assert set(below(made, ".")) <= TASK
    assert below(made, "./Triggers") == [trigger]
    assert below(made, f"./Triggers/{trigger}") == order
    assert set(below(made, "./Principals/Principal")) <= PRINCIPAL
    settings = below(made, "./Settings")
    assert set(settings) <= SETTINGS
    assert len(settings) == len(set(settings))
    assert below(made, "./Actions/Exec") == ["Command", "Arguments"]


def test_it_runs_every_night_once_also_when_nobody_is_logged_in() -> None:
    made = task(JOB)
    for name, value in {
        "LogonType": "Password",
        "RunLevel": "LeastPrivilege",
        "UserId": "Martin",
        "MultipleInstancesPolicy": "IgnoreNew",
        "StartWhenAvailable": "true",
        "DaysInterval": "1",
        "RandomDelay": "PT30M",
    }.items():
        assert said(made, name) == value
    assert datetime.fromisoformat(said(made, "StartBoundary")).time() == JOB.at


@given(NAMES, NAMES, st.text(max_size=30))
@CALMLY
def test_whatever_the_names_hold_the_command_is_the_one_that_was_meant(
    site: str, data: str, name: str
) -> None:
    job = replace(JOB, site=PureWindowsPath(f"C:\\{site}"), data=PureWindowsPath(f"D:\\{data}"), name=name)
    for written, verb in ((xml, "scan"), (hourly, "tend")):
        made = task(job, written)
        assert [said(made, "Command"), *split(said(made, "Arguments"))] == list(job.command(verb))


@pytest.mark.parametrize("name", ["100%.toml", "%PATH%.toml", "$(ARG0).toml"])
def test_what_the_task_scheduler_would_fill_in_is_refused(name: str) -> None:
    with pytest.raises(ConfigError) as refused:
        xml(replace(JOB, site=PureWindowsPath(f"C:\\{name}")))
    assert refused.value.message == "schedule.unfit-windows"


def test_the_file_says_the_encoding_it_is_written_in() -> None:
    names = ("netwatch\\cabinet", "netwatch\\cabinet.tend")
    for name, (path, text), command in zip(names, recipe(JOB).files, recipe(JOB).commands, strict=True):
        assert text.startswith('<?xml version="1.0" encoding="UTF-16"?>')
        fromstring(text.encode("utf-16"))
        assert command[:6] == ("schtasks", "/Create", "/TN", name, "/XML", str(path))
    assert {command[3] for command in removal("cabinet").commands} == set(names)


def test_the_other_task_runs_every_hour_without_end_and_wakes_nobody() -> None:
    made = task(JOB, hourly)
    assert (said(made, "Interval"), said(made, "Duration")) == ("PT1H", "")
    assert (said(made, "WakeToRun"), said(made, "LogonType")) == ("false", "Password")
    assert datetime.fromisoformat(said(made, "StartBoundary")).minute == JOB.tended


def test_a_task_that_is_there_is_told_as_what_it_says() -> None:
    there = of_task("cabinet", xml(JOB))
    assert there is not None
    assert (there.on, there.unattended) == (True, True)
    assert there.next is not None
    assert there.next.time() == JOB.at
    waits = of_task("cabinet", xml(JOB).replace(">Password<", ">InteractiveToken<"))
    assert waits is not None
    assert not waits.unattended


@pytest.mark.parametrize(
    "told", ["", "<", "ERROR: not found", "<a/>", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>']
)
def test_what_is_no_task_is_none(told: str) -> None:
    assert of_task("cabinet", told) is None
