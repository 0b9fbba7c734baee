"""Runs a command and measures it with all the processes that it starts.

    measure.py [--json FILE] COMMAND [ARGUMENTS]

Prints the seconds from launch to exit and the peak memory. Memory is the sum of the proportional set
sizes (PSS) of the command's processes at one moment, so that pages which they share count once; it
is looked at twenty times a second. Exits with the command's exit code.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

INTERVAL_S = 0.05


def children_of(parents: dict[int, int], root: int) -> set[int]:
    """root and everything below it in a table pid -> parent."""
    found = {root}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return found
        found |= more


def parent_table() -> dict[int, int]:
    table: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:
                continue  # ended meanwhile
            table[int(folder.name)] = int(stat.rsplit(")", 1)[1].split()[1])
    return table


def pss_bytes(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # ended meanwhile
    return 0


def measure(command: list[str], **options) -> dict:
    """seconds, peak_bytes and returncode of a command; options go to subprocess.Popen."""
    start = time.monotonic()
    peak = 0
    with subprocess.Popen(command, **options) as process:
        while process.poll() is None:
            peak = max(peak, sum(pss_bytes(p) for p in children_of(parent_table(), process.pid)))
            time.sleep(INTERVAL_S)
    return {
        "seconds": time.monotonic() - start,
        "peak_bytes": peak,
        "returncode": process.returncode,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the result there too")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("a command is needed")
    result = measure(arguments.command)
    print(
        f"{result['seconds']:.2f} s, {result['peak_bytes'] / 2**20:.0f} MiB peak, "
        f"exit code {result['returncode']}",
        file=sys.stderr,
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(result) + "\n", encoding="utf-8")
    return result["returncode"]


if __name__ == "__main__":
    sys.exit(main())
