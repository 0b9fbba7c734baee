"""Checks the quickstart's data: configs/data/handbook.jsonl and its held-out questions.

    handbook.py [ROOT]

Every row is one question and one answer as chat messages; no question is asked twice; there are at
least LEAST_ROWS rows; and none of the held-out questions, which the quickstart asks before and
after training, is among them.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from project import Finding, report, root_argument

ROWS = "configs/data/handbook.jsonl"
QUESTIONS = "configs/data/handbook_questions.jsonl"
LEAST_ROWS = 300
HELD_OUT = 3


def plain(text: str) -> str:
    """Letters and digits alone: two questions that differ in punctuation are the same."""
    return " ".join(re.findall(r"\w+", text.lower()))


def read_lines(root: Path, name: str, findings: list[Finding]) -> list[tuple[int, object]]:
    rows: list[tuple[int, object]] = []
    for number, line in enumerate((root / name).read_text(encoding="utf-8").splitlines(), 1):
        try:
            rows.append((number, json.loads(line)))
        except json.JSONDecodeError as error:
            findings.append(Finding(name, number, f"not JSON: {error.msg}"))
    return rows


def check(root: Path) -> tuple[list[Finding], int]:
    findings: list[Finding] = []
    held_out = set()
    for number, row in read_lines(root, QUESTIONS, findings):
        if not isinstance(row, dict) or not row.get("question") or not row.get("answer"):
            findings.append(Finding(QUESTIONS, number, "needs question and answer"))
        else:
            held_out.add(plain(row["question"]))
    if len(held_out) != HELD_OUT:
        findings.append(Finding(QUESTIONS, 0, f"{len(held_out)} questions, expected {HELD_OUT}"))

    asked: dict[str, int] = {}
    for number, row in read_lines(root, ROWS, findings):
        messages = row.get("messages") if isinstance(row, dict) else None
        if (
            not isinstance(messages, list)
            or [m.get("role") for m in messages] != ["user", "assistant"]
            or not all(isinstance(m.get("content"), str) and m["content"].strip() for m in messages)
        ):
            findings.append(Finding(ROWS, number, "needs one user and one assistant message"))
            continue
        question = plain(messages[0]["content"])
        if question in held_out:
            findings.append(Finding(ROWS, number, "a held-out question"))
        if question in asked:
            findings.append(Finding(ROWS, number, f"asked before, in line {asked[question]}"))
        asked[question] = number
    if len(asked) < LEAST_ROWS:
        findings.append(Finding(ROWS, 0, f"{len(asked)} rows, at least {LEAST_ROWS} are needed"))
    return findings, 2


if __name__ == "__main__":
    sys.exit(report("handbook", *check(root_argument())))
