"""Keeps what belongs to one machine, and what nobody should read, out of the project.

    portable_text.py [ROOT]

- no absolute path of a developer's machine (home folders, work folders, temporary folders);
- no address of a host that is not one of HOSTS: a mirror or registry of one site must not leak in;
- no tabs, no trailing blanks, no carriage returns, a newline at the end;
- TODO only as TODO(issue number);
- no folder or file called utils, misc or helpers: name the concept.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from project import Finding, project_files, read_text, report, root_argument

HOSTS = {
    "arxiv.org", "doi.org", "github.com", "git-lfs.github.com", "hawser.github.com",
    "huggingface.co", "json-schema.org", "www.w3.org",
    "keepachangelog.com", "semver.org", "slurm.schedmd.com", "example.com", "127.0.0.1", "localhost",
    "pubs.opengroup.org", "www.rfc-editor.org", "www.unicode.org", "gcc.gnu.org", "kokkos.org",
}
MACHINE_PATH = re.compile(r"(?<![\w./$}])/(work|home|root|Users|mnt|scratch)/[\w.]+|(?<![\w./$}])/tmp/\w")
ADDRESS = re.compile(r"\b[a-z]+://([\w.-]+)")
REGISTRY = re.compile(r"\bpypi\.(org|python)|pythonhosted|\bdeb\.debian|index-url", re.IGNORECASE)
TODO = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\(\d+\))")
NAMELESS = {"utils", "util", "misc", "helpers"}
TABS_ALLOWED = (".tsv", "Makefile")

# Recorded data and vectors: their bytes are what they are.
VERBATIM = re.compile(r"^(tests/fixtures/|tests/fuzz/corpus/|tests/oracle/data/|perf/results/)|\.(patch|svg)$")
# The tests of these checks plant what the checks look for.
EXEMPT = {"tests/lint/portable_text.py", "tests/lint/lint_test.py"}


def check(root: Path) -> tuple[list[Finding], int]:
    findings: list[Finding] = []
    names = [name for name in project_files(root) if name not in EXEMPT]
    for name in names:
        if NAMELESS.intersection(part.split(".")[0] for part in Path(name).parts):
            findings.append(Finding(name, 0, "utils, misc and helpers say nothing: name the concept"))
        text = read_text(root / name)
        if text is None:
            continue
        verbatim = VERBATIM.search(name) is not None
        if text and not text.endswith("\n") and not verbatim:
            findings.append(Finding(name, 0, "no newline at the end"))
        for number, line in enumerate(text.split("\n"), 1):
            match = MACHINE_PATH.search(line)
            if match:
                findings.append(Finding(name, number, f"a path of one machine: {match.group(0)}"))
            if verbatim:
                continue
            for host in ADDRESS.findall(line):
                if host not in HOSTS and "." in host:
                    findings.append(Finding(name, number, f"the address of an unknown host: {host}"))
            if REGISTRY.search(line):
                findings.append(Finding(name, number, "names a package registry"))
            if TODO.search(line):
                findings.append(Finding(name, number, "TODO only as TODO(issue number)"))
            if line.rstrip() != line:
                findings.append(Finding(name, number, "blanks or a carriage return at the end"))
            if "\t" in line and not name.endswith(TABS_ALLOWED):
                findings.append(Finding(name, number, "a tab"))
    return findings, len(names)


if __name__ == "__main__":
    sys.exit(report("portable_text", *check(root_argument())))
