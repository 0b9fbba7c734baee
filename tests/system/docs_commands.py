"""Runs the commands of the documentation against the built program.

    docs_commands.py PROGRAM [ROOT]

Looks at README.md, CONTRIBUTING.md and docs/*.md. A fenced block whose first line is ```sh runnable
is run by bash, in the order of the file, with the program on the PATH, in a scratch folder that shows
the project's folders (what a block writes stays there). ```sh runnable model needs
models/SmolLM2-135M-Instruct and is skipped by name without it. A block ```text after a runnable one
may hold expected output: each of its lines has to occur in what the block printed. Other sh blocks
are checked for syntax alone. Besides, every relative link and every path of the project that a page
names in backticks has to exist. Exit code 1 if anything fails.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

TIMEOUT_S = 240
SHOWN = ["configs", "docs", "launch", "slurm", "tests", "perf", "models"]
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
# `launch/build.sh`, `docs/slurm.md`: a path of the project, followed by arguments or nothing.
NAMED = re.compile(r"`(?:\./)?((?:src|kernels|configs|docs|launch|slurm|tests|perf|\.ci)/[\w./-]*)[^`]*`")


class Block(NamedTuple):
    file: str
    line: int
    words: list[str]
    text: str


def blocks_of(name: str, text: str) -> list[Block]:
    found: list[Block] = []
    inside: Block | None = None
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            if inside is None:
                inside, lines = Block(name, number, line[3:].split(), ""), []
            else:
                found.append(inside._replace(text="\n".join(lines) + "\n"))
                inside = None
        elif inside is not None:
            lines.append(line)
    return found


def check_paths(root: Path, name: str, text: str) -> list[str]:
    """Links and named paths that lead nowhere."""
    wrong = []
    page = (root / name).parent
    for link in LINK.findall(text):
        if not (page / link).exists():
            wrong.append(f"{name}: the link {link} leads nowhere")
    for path in NAMED.findall(text):
        if not (root / path).exists():
            wrong.append(f"{name}: names {path}, which does not exist")
    return wrong


def run(block: Block, folder: Path, environment: dict[str, str]) -> tuple[bool, str]:
    try:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.text], cwd=folder, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S, check=False,
        )
    except subprocess.TimeoutExpired:
        return False, f"longer than {TIMEOUT_S} s"
    return done.returncode == 0, done.stdout


def main() -> int:
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    program = Path(sys.argv[1]).resolve()
    root = Path(sys.argv[2]).resolve() if len(sys.argv) == 3 else Path(__file__).resolve().parents[2]
    has_model = (root / "models/SmolLM2-135M-Instruct/model.safetensors").exists()
    environment = dict(
        os.environ, PATH=f"{program.parent}:{os.environ['PATH']}", OMPI_ALLOW_RUN_AS_ROOT="1",
        OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_rmaps_base_oversubscribe="1",
    )
    failures: list[str] = []
    ran = skipped = 0

    pages = [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").glob("*.md"))]
    for page in pages:
        name = str(page.relative_to(root))
        text = page.read_text(encoding="utf-8")
        failures += check_paths(root, name, text)
        with tempfile.TemporaryDirectory() as scratch:
            for shown in SHOWN:
                if (root / shown).exists():
                    (Path(scratch) / shown).symlink_to(root / shown)
            output: str | None = None
            for block in blocks_of(name, text):
                where = f"{block.file}:{block.line}"
                if block.words[:1] == ["text"] and output is not None:
                    for line in block.text.splitlines():
                        if line.strip() and line.strip() not in output:
                            failures.append(f"{where}: the output lacks: {line.strip()}")
                    output = None
                    continue
                output = None
                if block.words[:1] != ["sh"]:
                    continue
                if "runnable" not in block.words:
                    syntax = subprocess.run(["bash", "-n", "-c", block.text], capture_output=True,
                                            text=True, check=False)
                    if syntax.returncode != 0:
                        failures.append(f"{where}: {syntax.stderr.strip()}")
                    continue
                if "model" in block.words and not has_model:
                    print(f"skipped  {where}: no models/SmolLM2-135M-Instruct")
                    skipped += 1
                    continue
                good, output = run(block, Path(scratch), environment)
                ran += 1
                print(f"{'ok' if good else 'FAILED':8} {where}: {block.text.splitlines()[0]}")
                if not good:
                    failures.append(f"{where}: failed:\n{output[-2000:]}")
    for failure in failures:
        print("FAILED", failure)
    print(f"docs_commands: {ran} blocks ran, {skipped} skipped, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
