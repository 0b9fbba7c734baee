"""Source files over 500 lines need a reason.

    file_length.py [ROOT]

The reasons stand in tests/lint/long_files.txt, one "PATH: reason" a line. A reason for a file that
is short again is a finding too.
"""

from __future__ import annotations

import sys
from pathlib import Path

from project import Finding, project_files, read_text, report, root_argument

LIMIT = 500
SUFFIXES = (".cpp", ".hpp", ".cu", ".cuh", ".py", ".sh", ".cmake", "CMakeLists.txt")
REASONS = "tests/lint/long_files.txt"


def read_reasons(root: Path) -> dict[str, str]:
    file = root / REASONS
    reasons: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
        if line.strip() and not line.startswith("#"):
            path, _, reason = line.partition(":")
            reasons[path.strip()] = reason.strip()
    return reasons


def check(root: Path) -> tuple[list[Finding], int]:
    reasons = read_reasons(root)
    findings: list[Finding] = []
    long_files = set()
    names = [name for name in project_files(root) if name.endswith(SUFFIXES)]
    for name in names:
        lines = (read_text(root / name) or "").count("\n")
        if lines <= LIMIT:
            continue
        long_files.add(name)
        if not reasons.get(name):
            findings.append(
                Finding(name, 0, f"{lines} lines: split it by concept, or give a reason in {REASONS}")
            )
    for name in sorted(set(reasons) - long_files):
        findings.append(Finding(REASONS, 0, f"{name} has {LIMIT} lines or fewer: drop its reason"))
    return findings, len(names)


if __name__ == "__main__":
    sys.exit(report("file_length", *check(root_argument())))
