"""What is nmap told to do? Every argument, in full: whoever changes one has to say so here."""

from __future__ import annotations

import shlex
from pathlib import Path

from netwatch import nmapargs
from netwatch.pace import Pace

PACE, FOLDER = Pace(), Path("/tmp/some folder")  # noqa: S108 - never written


def test_a_version_is_asked_of_one_port_lightly_slowly_and_without_a_script() -> None:
    assert shlex.split(nmapargs.version(22, PACE, FOLDER)) == [
        *("-n", "-Pn", "-sS", "--max-rate", "20", "--host-timeout", "60s", "--max-retries", "1"),
        *("--privileged", "--datadir", "/tmp/some folder", "-sV", "--version-light", "-p", "22"),  # noqa: S108
    ]


def test_a_system_is_guessed_once_from_two_ports_and_not_without_both() -> None:
    told = shlex.split(nmapargs.system(22, 21, Pace(packets=10), FOLDER))
    assert told[told.index("-p") :] == ["-p", "22,21"]
    assert {"-O", "--osscan-limit"} <= set(told)
    assert told[told.index("--max-os-tries") + 1] == "1"
    assert (told[told.index("--max-rate") + 1], told[told.index("--scan-delay") + 1]) == ("5", "200ms")
    assert "-sV" not in told


def test_no_argument_runs_a_script_a_traceroute_or_an_aggressive_scan() -> None:
    for told in (nmapargs.version(22, PACE, FOLDER), nmapargs.system(22, 21, PACE, FOLDER)):
        never = ("--script", "-A", "-sC", "--traceroute", "--allports", "--version-all", "-T4", "-T5")
        assert [one for one in shlex.split(told) if one.startswith(never)] == []


def test_hosts_are_looked_for_by_arp_alone_where_a_card_must_be_known_first() -> None:
    assert nmapargs.hosts((22, 80), PACE, only_arp=True, by_arp=False) == (
        "-n -sn -PR --max-rate 500 --max-retries 1 --privileged"
    )
    assert nmapargs.hosts((22, 80), PACE, only_arp=False, by_arp=True) == (
        "-n -sn -PS22,80 --max-rate 500 --max-retries 1 --privileged"
    )
    assert nmapargs.hosts((22, 80), PACE, only_arp=False, by_arp=False) == (
        "-n -sn -PS22,80 --scan-delay 200ms --max-scan-delay 200ms "
        "--max-rate 500 --max-retries 1 --privileged"
    )
