"""Times training steps of SmolLM2 with PyTorch and PEFT: the peer of step_time.py.

    torch_step.py --model DIR --setting f32|bf16|autocast --rows packed|padded
                  [--labels all|masked] [--threads N] [--compile] [--steps N]

One step is forward, backward, clipping and AdamW over 512 real tokens, LoRA of rank 16 on all seven
projections. `packed` is one row of 512 tokens (causal attention over the whole row, which spares
PyTorch the block-diagonal mask); `padded` is four rows of 212, 130, 98 and 72 tokens, padded to the
longest. With `masked` the first half of every row has no label. Prints one JSON object: the median
of the step times and the process's peak memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

ROWS = {"packed": [512], "padded": [212, 130, 98, 72]}
WARM_UP = 2
# A setting that takes longer than this for one step is not repeated.
HOPELESS_S = 30.0


def make_batch(lengths: list[int], labels: str, vocabulary: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    longest = max(lengths)
    ids = torch.zeros(len(lengths), longest, dtype=torch.long)
    target = torch.full_like(ids, -100)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.randint(3, vocabulary, (length,), generator=generator)
        start = length // 2 if labels == "masked" else 0
        target[row, start:length] = ids[row, start:length]
        mask[row, :length] = 1
    batch = {"input_ids": ids, "labels": target}
    if len(set(lengths)) > 1:
        batch["attention_mask"] = mask
    return batch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--setting", choices=["f32", "bf16", "autocast"], required=True)
    parser.add_argument("--rows", choices=sorted(ROWS), required=True)
    parser.add_argument("--labels", choices=["all", "masked"], default="all")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--steps", type=int, default=7)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    dtype = torch.bfloat16 if arguments.setting == "bf16" else torch.float32
    base = AutoModelForCausalLM.from_pretrained(
        arguments.model, dtype=dtype, attn_implementation="sdpa"
    )
    base.config.use_cache = False
    lora = LoraConfig(
        r=16, lora_alpha=32, lora_dropout=0.0, task_type="CAUSAL_LM",
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    )
    model = get_peft_model(base, lora)
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=1e-4, fused=True)
    batch = make_batch(ROWS[arguments.rows], arguments.labels, base.config.vocab_size)
    run = torch.compile(model) if arguments.compile else model

    def step() -> float:
        start = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=arguments.setting == "autocast"):
            loss = run(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        return time.perf_counter() - start

    for _ in range(WARM_UP):
        first = step()
        if first > HOPELESS_S and not arguments.compile:
            break
    seconds = [first]
    if first <= HOPELESS_S:
        seconds = [step() for _ in range(arguments.steps)]
    print(json.dumps({
        "program": "PyTorch " + torch.__version__.split("+")[0],
        "setting": arguments.setting + (" compiled" if arguments.compile else ""),
        "rows": arguments.rows,
        "labels": arguments.labels,
        "threads": arguments.threads,
        "seconds": statistics.median(seconds),
        "steps": len(seconds),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }))


if __name__ == "__main__":
    main()
