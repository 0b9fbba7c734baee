"""Times training steps of axolotl-hpc and of PyTorch with PEFT side by side.

    AXL_PYTHON=PYTHON perf/step_time.py [--program FILE] [--model DIR] [--threads 1 2]
                                        [--rows packed padded] [--labels all masked] [--quick]

SmolLM2-135M, LoRA of rank 16 on all seven projections, 512 real tokens a step, one process. `packed`
is one row of 512 tokens; `padded` is four rows of 212, 130, 98 and 72 tokens, which PyTorch pads to
the longest. With `masked` half of the tokens have no label. Both programs do the whole step: forward,
backward, clipping, AdamW. Every setting runs in a process of its own, ours and PyTorch's by turns, so
that a machine that is busy for a while slows both; the seconds are medians over steps. Peak memory is
what the process says of itself (its largest resident set): to watch it from outside twenty times a
second would cost a tenth of a small machine. PYTHON is an interpreter with PyTorch, PEFT and transformers
(perf/requirements.txt says how to get one).

Prints a line for each setting, then the ratios: PyTorch's best step over ours of the same precision,
and PyTorch's best of any kind over our best. A machine's speed changes from hour to hour, so figures
of different runs do not compare.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROW_TOKENS = {"packed": [512], "padded": [212, 130, 98, 72]}
# What the chat template of the model adds to a question and an answer, in tokens.
TEMPLATE_TOKENS = 33
WARM_UP = 2


def words(count: int) -> str:
    """Text of so many tokens: every " a" is one."""
    return "a" + " a" * (count - 1)


def dataset_row(length: int, labels: str) -> dict:
    if labels == "all":
        return {"text": words(length - 1)}  # and the end of text
    answer = length // 2
    return {"messages": [
        {"role": "user", "content": words(max(1, length - answer - TEMPLATE_TOKENS))},
        {"role": "assistant", "content": words(answer - 1)},
    ]}


def run_ours(arguments: argparse.Namespace, dtype: str, rows: str, labels: str, threads: int) -> dict:
    """Trains a few steps on rows of known length and reads the step times from metrics.jsonl."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        lengths = ROW_TOKENS[rows]
        with open(here / "rows.jsonl", "w", encoding="utf-8") as file:
            for _ in range(arguments.steps + WARM_UP):
                for length in lengths:
                    file.write(json.dumps(dataset_row(length, labels)) + "\n")
        config = {
            "base_model": str(arguments.model),
            "datasets": [{"path": str(here / "rows.jsonl"),
                          "type": "completion" if labels == "all" else "chat_template"}],
            "chat_template": "tokenizer_default",
            "shuffle_merged_datasets": False, "curriculum_sampling": True, "val_set_size": 0,
            "sequence_len": 512, "sample_packing": False, "pad_to_sequence_len": False,
            "adapter": "lora", "lora_r": 16, "lora_alpha": 32, "lora_target_linear": True,
            "micro_batch_size": len(lengths), "gradient_accumulation_steps": 1,
            "max_steps": arguments.steps + WARM_UP, "num_epochs": 1,
            "optimizer": "adamw_torch", "lr_scheduler": "constant", "learning_rate": 1e-4,
            "bf16": dtype == "bf16", "logging_steps": 1, "save_strategy": "no",
            "special_tokens": {"pad_token": "<|im_end|>"},
            "dataset_prepared_path": str(here / "prepared"), "output_dir": str(here / "out"),
        }
        # JSON is YAML.
        (here / "config.yaml").write_text(json.dumps(config), encoding="utf-8")
        with open(here / "log", "w", encoding="utf-8") as log:
            done = subprocess.run(
                [str(arguments.program), "train", str(here / "config.yaml")], check=False,
                stdout=log, stderr=log, env=dict(os.environ, OMP_NUM_THREADS=str(threads)),
            )
        if done.returncode != 0:
            sys.exit("step_time: axolotl-hpc failed:\n" + (here / "log").read_text()[-2000:])
        lines = [json.loads(line) for line in (here / "out/metrics.jsonl").read_text().splitlines()]
        lines = [line for line in lines if "loss" in line]
        # `seconds` counts from the start of training.
        steps = [b["seconds"] - a["seconds"] for a, b in zip(lines, lines[1:])][WARM_UP - 1:]
        tokens = round(lines[-1]["tokens_per_second"] * steps[-1])
        share = {}
        if threads == os.cpu_count():
            # The rate of the step's own products, measured now one by one, and the work of all of
            # them and of attention's; norms, softmax and the rest count as overhead.
            planned = subprocess.run(
                [str(arguments.program), "plan", str(here / "config.yaml"), "--format", "json"],
                capture_output=True, text=True, check=True)
            plan = json.loads(planned.stdout)
            share["gemm_share"] = (plan["flops_per_step"] / plan["gemm_flops_per_second"]
                                   / statistics.median(steps))
        return share | {"program": "axolotl-hpc", "setting": dtype, "rows": rows, "labels": labels,
                "threads": threads, "seconds": statistics.median(steps), "steps": len(steps),
                "tokens": tokens, "peak_bytes": lines[-1]["memory_bytes"]}


def run_torch(arguments: argparse.Namespace, setting: str, rows: str, labels: str, threads: int,
              compiled: bool) -> dict | None:
    command = [arguments.python, str(ROOT / "perf/torch_step.py"), "--model", str(arguments.model),
               "--setting", setting, "--rows", rows, "--labels", labels, "--threads", str(threads),
               "--steps", str(arguments.steps)]
    if compiled:
        command.append("--compile")
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=arguments.timeout, check=False,
            env=dict(os.environ, HF_HUB_OFFLINE="1", CUDA_VISIBLE_DEVICES="",
                     OMP_NUM_THREADS=str(threads)),
        )
    except subprocess.TimeoutExpired:
        print(f"  PyTorch {setting}{' compiled' if compiled else ''}: longer than "
              f"{arguments.timeout} s, left out", flush=True)
        return None
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        print(f"  PyTorch {setting}{' compiled' if compiled else ''}: failed: {reason}", flush=True)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def show(result: dict) -> None:
    print(
        f"  {result['program']:16} {result['setting']:18} {result['seconds']:8.3f} s "
        f"({result['steps']} steps)  {result['peak_bytes'] / 2**20:7.0f} MiB"
        + (f"  {100 * result['gemm_share']:.0f} % of the GEMM peak" if "gemm_share" in result else ""),
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, default=ROOT / "build/release/bin/axolotl-hpc")
    parser.add_argument("--model", type=Path, default=ROOT / "models/SmolLM2-135M-Instruct")
    parser.add_argument("--python", default=os.environ.get("AXL_PYTHON", ""))
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rows", nargs="+", choices=list(ROW_TOKENS), default=list(ROW_TOKENS))
    parser.add_argument("--labels", nargs="+", choices=["all", "masked"], default=["all", "masked"])
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--timeout", type=int, default=400, help="seconds for one setting of PyTorch")
    parser.add_argument("--quick", action="store_true", help="leave the compiled settings out")
    parser.add_argument("--json", type=Path, help="append every result there, one object a line")
    arguments = parser.parse_args()
    if not arguments.python:
        parser.error("AXL_PYTHON is not set: see perf/requirements.txt")
    arguments.model = arguments.model.resolve()

    cpu = next((line.split(":", 1)[1].strip()
                for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), "unknown processor")
    print(f"{cpu}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}")
    for threads in arguments.threads:
        for rows in arguments.rows:
            for labels in arguments.labels:
                print(f"{rows} rows, {labels} labels, {threads} threads")
                results = []
                for setting in ("f32", "bf16", "autocast"):
                    for compiled in ((False,) if arguments.quick else (False, True)):
                        if not compiled and setting != "autocast":
                            results.append(run_ours(arguments, setting, rows, labels, threads))
                            show(results[-1])
                        peer = run_torch(arguments, setting, rows, labels, threads, compiled)
                        if peer is not None:
                            results.append(peer)
                            show(peer)
                ratios(results)
                if arguments.json:
                    with open(arguments.json, "a", encoding="utf-8") as file:
                        for result in results:
                            file.write(json.dumps(result) + "\n")


def ratios(results: list[dict]) -> None:
    def best(program: str, prefix: str) -> dict | None:
        found = [r for r in results
                 if r["program"].startswith(program) and r["setting"].startswith(prefix)]
        return min(found, key=lambda r: r["seconds"], default=None)

    for what, peer, ours in (
        ("f32: PyTorch's best f32 over our f32", best("PyTorch", "f32"), best("axolotl", "f32")),
        ("any: PyTorch's best over our best", best("PyTorch", ""), best("axolotl", "")),
        ("bf16 over f32, ours", best("axolotl", "bf16"), best("axolotl", "f32")),
    ):
        if peer and ours:
            print(f"  {what}: {peer['seconds'] / ours['seconds']:.2f} x the time, "
                  f"{ours['peak_bytes'] / peer['peak_bytes']:.2f} x the memory (ours / PyTorch)"
                  if "PyTorch" in what else
                  f"  {what}: {peer['seconds'] / ours['seconds']:.2f} x the time")


if __name__ == "__main__":
    main()
