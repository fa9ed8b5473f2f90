"""The built package: what it holds, and that a project with nothing else uses it and is rid of it again."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = re.compile(
    r"rules_engine/(.+\.py|py\.typed|(templates|static)/.+|locale/\w+/LC_MESSAGES/django(js)?\.[pm]o)"
    r"|django_rules_engine-[^/]+\.dist-info/.+"
)
"""Every file that the wheel may hold."""

NO_NETWORK = ("NewConnectionError", "Failed to establish a new connection", "Temporary failure in name resolution")


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command that must succeed and return what it printed; its own warnings are shown with a failure."""
    # Nothing of this process's settings or paths may help the project.
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "PYTHON", "TEST_"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**keep, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and any(sign in done.stderr for sign in NO_NETWORK):
        pytest.skip("needs the package index: connect to the network to run this test")
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution, which is built from a copy of the working tree."""
    source = tmp_path_factory.mktemp("source") / "tree"
    # A copy, since a build leaves folders behind that a later build would take files from.
    shutil.copytree(
        ROOT, source, ignore=shutil.ignore_patterns(".*", "var", "build", "dist", "*.egg-info", "__pycache__")
    )
    run(sys.executable, "-m", "build", "--outdir", source.parent / "dist", source, cwd=source.parent)
    (built,) = (source.parent / "dist").glob("*.whl")
    return built


@pytest.mark.slow
def test_wheel_holds_the_app_whole_and_nothing_else(wheel: Path) -> None:
    """Every module, template, static file and translation of the app; neither the site nor the tests."""
    packed = set(zipfile.ZipFile(wheel).namelist())

    foreign = sorted(name for name in packed if not SHIPPED.fullmatch(name))
    assert foreign == [], "these files do not belong in the wheel"
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "rules_engine").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert wanted - packed == set(), "these files are missing: extend [tool.setuptools.package-data]"


class HostProject:
    """A project in a virtual environment that holds the wheel and what the wheel asks for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "venv" / "bin" / "python"

    def manage(self, *arguments: str, apps: str = "rules_engine") -> str:
        """Run a management command with these apps installed, warnings being errors."""
        return run(self.python, "-W", "error", "manage.py", *arguments, cwd=self.folder, HOST_APPS=apps)

    def script(self, name: str, *, apps: str = "rules_engine") -> str:
        """Run one of the files of ``hostproject`` in the project."""
        return self.manage("shell", "--verbosity", "0", "--command", f"import {name}", apps=apps)


@pytest.fixture(scope="module")
def host(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> HostProject:
    """The project, with nothing migrated yet; its path holds a space."""
    folder = tmp_path_factory.mktemp("host") / "a project"
    shutil.copytree(ROOT / "tests" / "hostproject", folder)
    venv.create(folder / "venv", with_pip=True)
    project = HostProject(folder)
    run(project.python, "-m", "pip", "install", "--quiet", wheel, cwd=folder)
    return project


@pytest.mark.slow
def test_wheel_in_an_empty_project_runs_a_rule_and_goes_without_a_trace(host: HostProject) -> None:
    """Check, migrate, make a rule, send its signal, drain, read the history, migrate to zero, uninstall."""
    run(host.python, "-m", "pip", "check", cwd=host.folder)
    host.manage("check", "--fail-level", "WARNING")
    host.manage("makemigrations", "--check", "--dry-run")
    host.manage("migrate")
    tables = host.manage("inspectdb")
    assert "rules_engine_" in tables

    host.script("use")
    assert host.script("history") == "staff-appears log pending\n"
    host.manage("rules", "drain")
    assert host.script("history") == "staff-appears log succeeded succeeded\n"

    host.manage("migrate", "rules_engine", "zero")
    assert "rules_engine_" not in host.manage("inspectdb")
    run(host.python, "-m", "pip", "uninstall", "--quiet", "--yes", "django-rules-engine", cwd=host.folder)
    host.manage("check", "--fail-level", "WARNING", apps="")
    host.script("save", apps="")


def requirements(lines: list[str]) -> dict[str, Requirement]:
    """Requirements by name, comments left out."""
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {requirement.name.lower(): requirement for requirement in found}


def test_requirements_of_the_site_agree_with_those_of_the_app() -> None:
    """requirements.txt holds what the app, its extra and the site's group ask for, with their lower bounds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = requirements(
        [
            *project["project"]["dependencies"],
            *project["project"]["optional-dependencies"]["api"],
            *project["dependency-groups"]["site"],
        ]
    )
    listed = requirements((ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines())

    assert listed.keys() == declared.keys()
    for name, requirement in declared.items():
        assert set(map(str, requirement.specifier)) <= set(map(str, listed[name].specifier)), name
