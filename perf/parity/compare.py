"""Compares a run of axolotl-hpc with the same run of Python Axolotl.

    compare.py AXOLOTL_OUT OUR_OUT

AXOLOTL_OUT and OUR_OUT are the two output folders. Per step: the loss within 0.1 %, the number of
label tokens and the learning rate equal. At the end: the adapter within 2 %. Prints a table and
what differs most; exit code 1 if a bound is passed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy
from safetensors.numpy import load_file

LOSS_BOUND = 1e-3
ADAPTER_BOUND = 2e-2
# Both programs compute it in double and print it; Axolotl's rounding differs in the last digits.
LEARNING_RATE_BOUND = 1e-6


def read_axolotl(folder: Path) -> dict[int, dict]:
    """step -> loss, learning rate, gradient norm and label tokens, at full precision."""
    states = sorted(folder.glob("checkpoint-*/trainer_state.json"), key=lambda p: p.stat().st_mtime)
    if not states:
        sys.exit(f"compare: no checkpoint-*/trainer_state.json in {folder}")
    history = json.loads(states[-1].read_text(encoding="utf-8"))["log_history"]
    rows: dict[int, dict] = {}
    before = 0
    for row in history:
        if "loss" not in row:
            continue
        total = row["tokens/trainable"]  # summed over the run
        rows[row["step"]] = {
            "loss": row["loss"],
            "learning_rate": row["learning_rate"],
            "grad_norm": row["grad_norm"],
            "label_tokens": total - before,
        }
        before = total
    return rows


def read_ours(folder: Path) -> dict[int, dict]:
    rows: dict[int, dict] = {}
    for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if "loss" in row:
            rows[row["step"]] = row
    return rows


def relative(ours: float, theirs: float) -> float:
    return abs(ours - theirs) / max(abs(theirs), 1e-30)


def compare_adapters(theirs: Path, ours: Path) -> tuple[float, float, str]:
    """Relative difference of the whole adapter, and the worst tensor's with its name."""
    a = load_file(theirs / "adapter_model.safetensors")
    b = load_file(ours / "adapter_model.safetensors")
    if set(a) != set(b):
        sys.exit(f"compare: the adapters hold other tensors: {sorted(set(a) ^ set(b))[:4]}")
    worst, worst_name, difference, size = 0.0, "", 0.0, 0.0
    for name, tensor in a.items():
        x = tensor.astype(numpy.float64)
        d = b[name].astype(numpy.float64) - x
        difference += float((d * d).sum())
        size += float((x * x).sum())
        one = float(numpy.linalg.norm(d) / max(numpy.linalg.norm(x), 1e-30))
        if one > worst:
            worst, worst_name = one, name
    return (difference / size) ** 0.5, worst, worst_name


def main() -> int:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    theirs, ours = Path(sys.argv[1]), Path(sys.argv[2])
    a, b = read_axolotl(theirs), read_ours(ours)
    failures: list[str] = []
    if set(a) != set(b):
        failures.append(f"steps differ: {len(a)} of Axolotl's, {len(b)} of ours")

    print("  step   Axolotl loss       our loss   difference   labels (both)   learning rate")
    worst_loss, worst_norm, worst_rate = (0.0, 0), (0.0, 0), (0.0, 0)
    for step in sorted(set(a) & set(b)):
        x, y = a[step], b[step]
        loss = relative(y["loss"], x["loss"])
        rate = relative(y["learning_rate"], x["learning_rate"]) if x["learning_rate"] else abs(
            y["learning_rate"]
        )
        worst_loss = max(worst_loss, (loss, step))
        worst_norm = max(worst_norm, (relative(y["grad_norm"], x["grad_norm"]), step))
        worst_rate = max(worst_rate, (rate, step))
        labels = f"{x['label_tokens']}"
        if x["label_tokens"] != y["label_tokens"]:
            labels += f" / {y['label_tokens']}"
            failures.append(f"step {step}: {labels} label tokens")
        if loss > LOSS_BOUND:
            failures.append(f"step {step}: the losses differ by {loss:.2e}")
        if rate > LEARNING_RATE_BOUND:
            failures.append(f"step {step}: the learning rates differ by {rate:.2e}")
        print(
            f"{step:6d} {x['loss']:14.6f} {y['loss']:14.6f} {loss:12.1e} {labels:>15} "
            f"{x['learning_rate']:15.6e}"
        )

    whole, worst, name = compare_adapters(theirs, ours)
    if whole > ADAPTER_BOUND:
        failures.append(f"the final adapters differ by {whole:.2%}")
    print(f"loss           worst {worst_loss[0]:.1e} in step {worst_loss[1]} (bound {LOSS_BOUND:.0e})")
    print(f"gradient norm  worst {worst_norm[0]:.1e} in step {worst_norm[1]}")
    print(f"learning rate  worst {worst_rate[0]:.1e} in step {worst_rate[1]}")
    print(f"final adapter  {whole:.2e} as a whole (bound {ADAPTER_BOUND:.0e}), worst tensor {worst:.2e} {name}")
    for failure in failures[:20]:
        print("FAILED", failure)
    print("parity: " + ("failed" if failures else "passed"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
