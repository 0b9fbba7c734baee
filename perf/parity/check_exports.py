"""Shows that PEFT and transformers read what axolotl-hpc wrote and compute the same with it.

    check_exports.py PROGRAM CONFIG ADAPTER [MERGED]

PROGRAM is axolotl-hpc. The adapter in folder ADAPTER is loaded by PEFT onto the base_model of
CONFIG; greedy continuations of several prompts have to be equal token for token to those of
`axolotl-hpc inference`. With MERGED, a folder that `axolotl-hpc merge` wrote, transformers loads it
alone and its logits are held against base plus adapter. Exit code 1 if anything differs.
"""

from __future__ import annotations

import subprocess
import sys

import torch
import yaml
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS = [
    "Name three primary colours.",
    "Describe a sunny day in one sentence.",
    "What is the capital of France?",
]
NEW_TOKENS = 24
# Merging rounds every weight once more, in the type of the merged file.
MERGED_BOUND = {torch.float32: 1e-4, torch.bfloat16: 3e-2}


def main() -> int:
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    program, config_file, adapter = sys.argv[1:4]
    with open(config_file, encoding="utf-8") as file:
        config = yaml.safe_load(file)
    tokenizer = AutoTokenizer.from_pretrained(config["base_model"])
    base = AutoModelForCausalLM.from_pretrained(config["base_model"], dtype=torch.float32)
    model = PeftModel.from_pretrained(base, adapter).eval()
    print(f"PEFT loaded {adapter}")

    failures = 0
    encoded = []
    for prompt in PROMPTS:
        ids = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}],
            add_generation_prompt=True, return_tensors="pt", return_dict=True,
        )["input_ids"]
        encoded.append(ids)
        with torch.no_grad():
            out = model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW_TOKENS,
                do_sample=False, pad_token_id=tokenizer.eos_token_id,
            )
        theirs = tokenizer.decode(out[0, ids.shape[1]:], skip_special_tokens=True).strip()
        ours = subprocess.run(
            [program, "inference", config_file, "--adapter", adapter, "--prompt", prompt,
             "--max-new-tokens", str(NEW_TOKENS), "--greedy"],
            check=True, capture_output=True, text=True,
        ).stdout.strip()
        same = theirs == ours
        failures += not same
        print(f"{'same' if same else 'DIFFERENT'}: {prompt!r}\n  PEFT         {theirs!r}\n"
              f"  axolotl-hpc  {ours!r}")

    if len(sys.argv) == 5:
        merged = AutoModelForCausalLM.from_pretrained(sys.argv[4]).eval()
        bound = MERGED_BOUND[merged.dtype]
        merged = merged.float()
        worst = 0.0
        for ids in encoded:
            with torch.no_grad():
                a = model(input_ids=ids).logits
                b = merged(input_ids=ids).logits
            worst = max(worst, ((a - b).norm() / a.norm()).item())
        failures += worst > bound
        print(f"transformers loaded {sys.argv[4]}: logits differ by {worst:.1e} (bound {bound:.0e})")
    print("exports: " + ("failed" if failures else "passed"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
