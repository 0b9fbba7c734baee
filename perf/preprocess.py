"""Prepares 10,000 rows with axolotl-hpc and with Axolotl, by turns, and compares time and memory.

    AXL_PYTHON=PYTHON perf/preprocess.py ROWS.json [ROWS.json ...] [--program FILE] [--model DIR]
                                         [--runs N] [--rows N] [--record FILE]

ROWS are files of alpaca rows (instruction, input, output), for example GPTeacher's; the first N of
them together are written to one file. Both programs load, format, tokenise and pack them at 2048
tokens and write their cache; caches are removed before every run. Seconds are from launch to exit,
memory is the peak of all processes (perf/measure.py). PYTHON has Axolotl (perf/requirements.txt);
without it ours is measured alone. Machines differ from hour to hour: only the ratio of one run counts.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import measure

ROOT = Path(__file__).resolve().parents[1]
CONFIG = """base_model: {model}
special_tokens:
  pad_token: "<|im_end|>"
datasets:
  - path: {rows}
    ds_type: json
    type: alpaca
dataset_prepared_path: {prepared}
val_set_size: 0
sequence_len: 2048
sample_packing: true
adapter: lora
lora_r: 16
lora_alpha: 32
lora_target_linear: true
micro_batch_size: 1
gradient_accumulation_steps: 1
num_epochs: 1
optimizer: adamw_torch
lr_scheduler: cosine
learning_rate: 0.0002
bf16: false
fp16: false
tf32: false
"""
# Switches of Axolotl that need a GPU, or that its packing asks for.
AXOLOTL_ONLY = """attn_implementation: sdpa
lora_mlp_kernel: false
lora_qkv_kernel: false
lora_o_kernel: false
"""


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


def write_rows(files: list[Path], count: int, target: Path) -> int:
    rows: list[dict] = []
    for file in files:
        rows += json.loads(file.read_text(encoding="utf-8"))
    rows = [{k: row.get(k) or "" for k in ("instruction", "input", "output")} for row in rows[:count]]
    target.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return len(rows)


def run(command: list[str], folder: Path, log: Path) -> dict:
    environment = dict(
        os.environ, AXOLOTL_DO_NOT_TRACK="1", HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1",
        HF_HOME=str(folder / "home"), HF_DATASETS_CACHE=str(folder / "home/datasets"),
        CUDA_VISIBLE_DEVICES="",
    )
    with log.open("w") as out:
        result = measure(command, stdout=out, stderr=subprocess.STDOUT, env=environment, cwd=folder)
    if result["returncode"] != 0:
        sys.exit(f"{command[0]} failed:\n{log.read_text()[-3000:]}")
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--program", type=Path, default=ROOT / "build/release/bin/axolotl-hpc")
    parser.add_argument("--model", type=Path, default=ROOT / "models/SmolLM2-135M-Instruct")
    parser.add_argument("--rows", type=int, default=10000)
    parser.add_argument("--runs", type=int, default=3, help="runs of ours to one of Axolotl")
    parser.add_argument("--record", type=Path, help="append the report to this file")
    arguments = parser.parse_args()
    peer = os.environ.get("AXL_PYTHON", "")
    lines: list[str] = []

    def say(text: str) -> None:
        print(text, flush=True)
        lines.append(text)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = write_rows(arguments.files, arguments.rows, folder / "rows.json")
        version = subprocess.run([arguments.program, "version"], capture_output=True, text=True,
                                 check=False).stdout.splitlines()[0]
        say(f"{datetime.date.today()}  {processor()}, {os.cpu_count()} CPUs  {version}")
        say(f"{count} rows of {', '.join(f.name for f in arguments.files)}; packing at 2048")
        ours: list[dict] = []
        text = ""
        for _ in range(arguments.runs):
            prepared = folder / "ours"
            config = folder / "ours.yaml"
            config.write_text(CONFIG.format(model=arguments.model.resolve(), rows=folder / "rows.json",
                                            prepared=prepared))
            subprocess.run(["rm", "-rf", prepared], check=True)
            ours.append(run([str(arguments.program), "preprocess", str(config)], folder, folder / "ours.log"))
            text = (folder / "ours.log").read_text()
        again = run([str(arguments.program), "preprocess", str(config)], folder, folder / "ours2.log")
        best = statistics.median(r["seconds"] for r in ours)
        peak = max(r["peak_bytes"] for r in ours)
        say(f"axolotl-hpc   {best:7.2f} s   {peak / 2**20:7.0f} MiB   (median of {len(ours)}); found in the "
            f"cache again: {again['seconds']:.3f} s with start-up and report")
        for line in text.splitlines():
            if re.match(r"\s*(rows|tokens|training|packing)", line):
                say("  " + line.strip())
        if not peer:
            say("Axolotl: not measured, AXL_PYTHON is not set")
        else:
            config = folder / "axolotl.yaml"
            config.write_text(CONFIG.format(model=arguments.model.resolve(), rows=folder / "rows.json",
                                            prepared=folder / "theirs") + AXOLOTL_ONLY)
            theirs = run([peer, "-m", "axolotl.cli.preprocess", str(config)], folder, folder / "theirs.log")
            say(f"Axolotl       {theirs['seconds']:7.2f} s   {theirs['peak_bytes'] / 2**20:7.0f} MiB")
            say(f"ratio         {theirs['seconds'] / best:7.1f} x  {theirs['peak_bytes'] / peak:9.1f} x")
    if arguments.record:
        with arguments.record.open("a", encoding="utf-8") as out:
            out.write("\n".join([*lines, "command: " + " ".join(["perf/preprocess.py", *(f.name for f in arguments.files)]), ""]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
