#!/usr/bin/env python3
"""Runs the configurations that Axolotl itself has run, from the same initial adapter, and compares.

    axolotl_test.py PROGRAM [MODEL]

The cases lie in $AXL_ORACLES/axolotl (default ../shared/oracles): config.yaml with MODEL, DATA and
HERE for folders, init/ and final/ adapters, log.json with every step. MODEL (default $AXL_SMOLLM2,
else models/SmolLM2-135M-Instruct) is the model that they ran on. Without either the test is skipped.
Axolotl averages over micro-batches first, which `loss_normalization: axolotl` asks for.
Bounds: loss 0.1 % a step, learning rate and label tokens equal, final adapter 2 % of its change.
"""
import array
import json
import math
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOSS, RATE, ADAPTER = 1e-3, 1e-9, 0.02


def tensors(path):
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    out = {}
    for name, t in header.items():
        if name != "__metadata__":
            first, last = (8 + size + at for at in t["data_offsets"])
            out[name] = array.array("f", data[first:last])
    return out


def distance(a, b):
    return math.sqrt(sum((x - y) ** 2 for name in b for x, y in zip(a[name], b[name])))


def run_case(program, model, data, case):
    with tempfile.TemporaryDirectory(prefix="axl-axolotl-") as folder:
        here = pathlib.Path(folder)
        shutil.copytree(case / "init", here / "init")
        text = (case / "config.yaml").read_text()
        for name, path in {"MODEL": model, "DATA": data, "HERE": here}.items():
            text = re.sub(rf"\b{name}\b", str(path), text)
        (here / "config.yaml").write_text(text + "\nloss_normalization: axolotl\n")
        environment = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1",
                                    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        done = subprocess.run([program, here / "config.yaml"], env=environment, text=True,
                              capture_output=True)
        if done.returncode != 0:
            return f"exit code {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        ours = [json.loads(line) for line in (here / "out/metrics.jsonl").open()]
        ours = [m for m in ours if "loss" in m]
        theirs = [m for m in json.loads((case / "log.json").read_text()) if "loss" in m]
        labels = 0
        worst = {"loss": 0.0, "gradient norm": 0.0}
        if len(ours) != len(theirs):
            return f"{len(ours)} steps, Axolotl made {len(theirs)}"
        for a, b in zip(ours, theirs):
            labels += a["label_tokens"]
            worst["loss"] = max(worst["loss"], abs(a["loss"] - b["loss"]) / b["loss"])
            worst["gradient norm"] = max(worst["gradient norm"],
                                         abs(a["grad_norm"] - b["grad_norm"]) / b["grad_norm"])
            if abs(a["learning_rate"] - b["learning_rate"]) > RATE:
                return f"step {a['step']}: rate {a['learning_rate']}, not {b['learning_rate']}"
            if labels != b["tokens/trainable"]:
                return f"step {a['step']}: {labels} label tokens, not {b['tokens/trainable']}"
        start, end = tensors(case / "init/adapter_model.safetensors"), tensors(
            case / "final/adapter_model.safetensors")
        worst["final adapter"] = (distance(tensors(here / "out/adapter_model.safetensors"), end) /
                                  distance(start, end))
        print(f"{case.name:22}", *(f"{name} {value:.1e}" for name, value in worst.items()))
        if worst["loss"] > LOSS or worst["final adapter"] > ADAPTER:
            return f"differs: {worst}"
    return None


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    model = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else os.environ.get(
        "AXL_SMOLLM2", ROOT / "models/SmolLM2-135M-Instruct"))
    root = pathlib.Path(os.environ.get("AXL_ORACLES", ROOT.parent / "shared/oracles"))
    cases = sorted(p.parent for p in root.glob("axolotl/*/config.yaml"))
    data = next((p for p in (root.parent / "data", ROOT.parent / "shared/data") if p.exists()),
                root.parent / "data")
    missing = [str(p) for p in (model, data) if not p.exists()]
    if not cases or missing:
        print("[  SKIPPED ]", "no oracles found" if not cases else f"{missing} are not there")
        return 0
    problems = [f"{case.name}: {problem}" for case in cases
                if (problem := run_case(program, model, data, case))]
    print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
