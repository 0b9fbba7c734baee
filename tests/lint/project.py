"""What the checks of this folder share: which files belong to the project, and how to report."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

# Folders that are made by building and running, never part of the project.
GENERATED = {".git", "build", ".cache", "models", "outputs", "last_run_prepared", "__pycache__"}


class Finding(NamedTuple):
    """One violation; line is 1-based, 0 for the whole file."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


def project_files(root: Path) -> list[str]:
    """Paths relative to root: what git tracks or would add, or every file where there is no git."""
    git = subprocess.run(
        ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=False,
    )
    if git.returncode == 0:
        names = git.stdout.splitlines()
    else:
        names = [str(path.relative_to(root)) for path in root.rglob("*")]
    return sorted(
        name
        for name in set(names)
        if (root / name).is_file() and not GENERATED.intersection(Path(name).parts)
    )


def read_text(path: Path) -> str | None:
    """The file's text, or None if it is not UTF-8 text."""
    data = path.read_bytes()
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def root_argument() -> Path:
    """The project that the command line names, else the one this file is in."""
    return Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]


def report(name: str, findings: list[Finding], checked: int) -> int:
    """Prints every finding; the exit code of the check."""
    for finding in findings:
        print(finding)
    print(f"{name}: {checked} files, {len(findings)} findings")
    return 1 if findings else 0
