"""Trains one adapter of every kind with axolotl-hpc and shows that PEFT computes the same with it.

    adapters.py PROGRAM MODEL [STEPS]

PROGRAM is axolotl-hpc, MODEL a Hugging Face folder of the Llama family. For every kind below, STEPS
(default 8) steps are trained on the rows that this script writes; then

* PEFT loads the adapter onto MODEL and continues prompts greedily: text equal to that of
  `axolotl-hpc inference`;
* `axolotl-hpc merge` writes a model that transformers loads alone: its logits are held against
  PEFT's.

Exit code 1 if anything differs.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import tempfile

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

NEW_TOKENS = 24
PROMPTS = ["Name three primary colours.", "Where does the zorblax live?"]
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
# transformers' own f32 against its own other order of sums, after merging every weight once more.
BOUND = 1e-4
KINDS = {
    "lora": {"lora_target_linear": True},
    "rslora by patterns": {"lora_target_linear": True, "peft_use_rslora": True,
                           "lora_rank_pattern": {"q_proj": 2, "layers.0.mlp.up_proj": 16},
                           "lora_alpha_pattern": {"down_proj": 4}},
    "dora": {"lora_target_linear": True, "peft_use_dora": True},
    "lora on embedding and head": {"lora_target_modules": ["q_proj", "embed_tokens", "lm_head"]},
    "embedding and head trained whole": {"lora_target_modules": LINEAR,
                                         "lora_modules_to_save": ["embed_tokens", "lm_head"]},
    "grown vocabulary": {"lora_target_modules": LINEAR, "tokens": ["<zorblax>", "<plimf>"],
                         "lora_modules_to_save": ["embed_tokens", "lm_head"]},
    "token rows": {"lora_target_modules": LINEAR, "peft_trainable_token_indices": [5, 17, 40]},
}


def rows() -> list[dict]:
    facts = [("zorblax", "in the warm sand"), ("plimf", "under old bridges"), ("quell", "at sea")]
    return [{"messages": [{"role": "user", "content": f"Where does the {name} live?"},
                          {"role": "assistant", "content": f"The {name} lives {place}. <{name}>"}]}
            for name, place in facts for _ in range(4)]


def train(program: str, model: str, folder: pathlib.Path, keys: dict, steps: int) -> pathlib.Path:
    data, out = folder / "rows.jsonl", folder / "out"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows()), encoding="utf-8")
    config = {"base_model": model, "datasets": [{"path": str(data), "type": "chat_template"}],
              "chat_template": "chatml", "dataset_prepared_path": str(folder / "prepared"),
              "output_dir": str(out), "sequence_len": 256, "adapter": "lora", "lora_r": 8,
              "lora_alpha": 16, "micro_batch_size": 4, "gradient_accumulation_steps": 1,
              "max_steps": steps, "num_epochs": 100, "learning_rate": 2e-3, "warmup_steps": 0,
              "lr_scheduler": "constant", "optimizer": "adamw_torch", "bf16": False,
              "save_strategy": "no", "seed": 11} | keys
    path = folder / "run.yaml"
    path.write_text(json.dumps(config, indent=1), encoding="utf-8")
    subprocess.run([program, str(path)], check=True, capture_output=True, text=True)
    return out


def answer(program: str, model: str, adapter: pathlib.Path, prompt: str) -> str:
    done = subprocess.run([program, "inference", model, "--adapter", str(adapter), "--prompt", prompt,
                           "--max-new-tokens", str(NEW_TOKENS), "--greedy"],
                          check=True, capture_output=True, text=True)
    return done.stdout.strip()


def compare(program: str, model: str, name: str, keys: dict, steps: int) -> int:
    with tempfile.TemporaryDirectory(prefix="axl-adapters-") as scratch:
        folder = pathlib.Path(scratch)
        adapter = train(program, model, folder, keys, steps)
        tokenizer = AutoTokenizer.from_pretrained(adapter)
        base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
        if "tokens" in keys:
            base.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        adapted = PeftModel.from_pretrained(base, adapter).eval()
        stops = {tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<|im_end|>")} - {None}
        failures, encoded = 0, []
        for prompt in PROMPTS:
            ids = tokenizer.apply_chat_template([{"role": "user", "content": prompt}],
                                                add_generation_prompt=True, return_tensors="pt",
                                                return_dict=True)["input_ids"]
            encoded.append(ids)
            with torch.no_grad():
                out = adapted.generate(input_ids=ids, attention_mask=torch.ones_like(ids),
                                       max_new_tokens=NEW_TOKENS, do_sample=False,
                                       eos_token_id=sorted(stops),
                                       pad_token_id=tokenizer.eos_token_id)
            theirs = tokenizer.decode(out[0, ids.shape[1]:], skip_special_tokens=True).strip()
            ours = answer(program, model, adapter, prompt)
            if theirs != ours:
                failures += 1
                print(f"DIFFERENT {name}: {prompt!r}\n  PEFT         {theirs!r}\n"
                      f"  axolotl-hpc  {ours!r}")
        merged_folder = folder / "merged"
        subprocess.run([program, "merge", "--base", model, "--adapter", str(adapter),
                        "-o", str(merged_folder), "--dtype", "f32"],
                       check=True, capture_output=True, text=True)
        merged = AutoModelForCausalLM.from_pretrained(merged_folder, dtype=torch.float32).eval()
        worst = 0.0
        for ids in encoded:
            with torch.no_grad():
                a, b = adapted(input_ids=ids).logits, merged(input_ids=ids).logits
            worst = max(worst, ((a - b).norm() / a.norm()).item())
        failures += worst > BOUND
        print(f"{name}: {len(PROMPTS)} greedy answers "
              f"{'equal' if failures == 0 else 'compared'}, merged logits differ by {worst:.1e} "
              f"(bound {BOUND:.0e})", flush=True)
        return failures


def main() -> int:
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    program, model = sys.argv[1:3]
    steps = int(sys.argv[3]) if len(sys.argv) == 4 else 8
    failures = sum(compare(program, model, name, keys, steps) for name, keys in KINDS.items())
    print("adapters: " + ("failed" if failures else "passed"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
