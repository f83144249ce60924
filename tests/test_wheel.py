"""Is what a user installs whole? The wheel is built once, unpacked alone, and run without the sources."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import netwatch

ROOT = Path(__file__).parent.parent
PACKAGES = ("netwatch", "probes", "reports")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built here and now; without isolation, because the tools are already installed."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    [path] = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel in it and nothing else of ours."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*pip, "--target", str(folder), str(wheel)], check=True)
    return folder


def run(installed: Path, *command: str) -> str:
    """What a program says that sees the installed folder, the dependencies, and not this checkout."""
    libraries = [path for path in sys.path if path.endswith("-packages")]
    done = subprocess.run(
        # -S: site-packages would bring back the checkout through its .pth file.
        [sys.executable, "-S", "-P", *command],
        cwd=installed,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(installed), *libraries])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_ships_every_file_of_the_three_packages(wheel: Path) -> None:
    here = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert shipped == here


def test_the_wheel_carries_its_licence_and_its_version(wheel: Path) -> None:
    assert f"-{netwatch.__version__}-" in wheel.name
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_the_installed_command_runs_without_the_sources(installed: Path) -> None:
    program = "import sys; from netwatch.cli import main; sys.argv = ['netwatch', '--help']; main()"
    said = run(installed, "-c", program)
    for command in ("init", "scan", "report", "diff", "findings", "devices", "mail", "doctor", "schema"):
        assert re.search(rf"^  {command}\b", said, re.MULTILINE), said


def test_every_module_comes_from_the_wheel(installed: Path) -> None:
    said = run(installed, "-c", "import netwatch, probes, reports as r; print(netwatch.__file__, r.__file__)")
    assert all(path.startswith(str(installed)) for path in said.split())


def test_the_installed_probes_and_their_words_are_found(installed: Path) -> None:
    program = (
        "import probes; from netwatch.words import Catalogue;"
        "print(*probes.load()); print(*Catalogue(probes.words()).rules)"
    )
    found, rules = run(installed, "-c", program).splitlines()
    assert "dicom" in found.split()
    assert "dicom-query-answered" in rules.split()


@pytest.mark.parametrize("package", PACKAGES)
def test_no_other_distribution_ships_a_package_of_this_name(package: str) -> None:
    owners = set(metadata.packages_distributions().get(package, []))
    assert owners <= {"netwatch-clinic"}
