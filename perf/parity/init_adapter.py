"""Writes the adapter that both programs of the parity run start from.

    init_adapter.py CONFIG OUT

CONFIG is the YAML of the run (base_model, lora_r, lora_alpha, lora_target_modules are read from
it). A is drawn as PEFT draws it and B is zero, except that B gets small values too: a start at
zero would hide an error in the gradient of A during the first steps.
"""

import sys

import torch
import yaml
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        config = yaml.safe_load(file)
    torch.manual_seed(7)
    base = AutoModelForCausalLM.from_pretrained(config["base_model"], dtype=torch.float32)
    lora = LoraConfig(
        r=config["lora_r"],
        lora_alpha=config["lora_alpha"],
        lora_dropout=config["lora_dropout"],
        target_modules=config["lora_target_modules"],
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(base, lora)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=1e-3)
    model.save_pretrained(sys.argv[2])


if __name__ == "__main__":
    main()
