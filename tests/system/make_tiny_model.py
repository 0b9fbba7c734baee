"""Writes a tiny Llama with random weights as a Hugging Face folder, for whole runs of the program.

    make_tiny_model.py FOLDER [SEED]

Two layers, hidden 64, four query and two key-value heads, tied embeddings, f32; a byte-level
tokenizer without merges (every byte is a token) and a ChatML template. Uses Python alone, no
package. The same seed gives the same bytes.
"""

from __future__ import annotations

import json
import random
import struct
import sys
from pathlib import Path

HIDDEN, FFN, LAYERS, HEADS, KV_HEADS, HEAD_DIM = 64, 128, 2, 4, 2, 16
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + "
    "'<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def byte_alphabet() -> list[str]:
    """The character of every byte in byte-level BPE: printable Latin-1 characters stand for
    themselves, the other bytes for the characters from U+0100 on, in order."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters, following = [], 256
    for byte in range(256):
        if byte in shown:
            letters.append(chr(byte))
        else:
            letters.append(chr(following))
            following += 1
    return letters


def tensors(vocabulary: int) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight."""
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (vocabulary, HIDDEN)}
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        for name, rows in (("q", HEADS), ("k", KV_HEADS), ("v", KV_HEADS)):
            shapes[f"{prefix}self_attn.{name}_proj.weight"] = (rows * HEAD_DIM, HIDDEN)
        shapes[f"{prefix}self_attn.o_proj.weight"] = (HIDDEN, HEADS * HEAD_DIM)
        shapes[f"{prefix}mlp.gate_proj.weight"] = (FFN, HIDDEN)
        shapes[f"{prefix}mlp.up_proj.weight"] = (FFN, HIDDEN)
        shapes[f"{prefix}mlp.down_proj.weight"] = (HIDDEN, FFN)
        shapes[f"{prefix}input_layernorm.weight"] = (HIDDEN,)
        shapes[f"{prefix}post_attention_layernorm.weight"] = (HIDDEN,)
    shapes["model.norm.weight"] = (HIDDEN,)
    return shapes


def write_safetensors(path: Path, shapes: dict[str, tuple[int, ...]], rng: random.Random) -> None:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    body = bytearray()
    for name, shape in shapes.items():
        count = 1
        for extent in shape:
            count *= extent
        centre, spread = (1.0, 0.05) if len(shape) == 1 else (0.0, 0.08)
        start = len(body)
        body += struct.pack(f"<{count}f", *(rng.gauss(centre, spread) for _ in range(count)))
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, len(body)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def main() -> None:
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) == 3 else 1
    folder.mkdir(parents=True, exist_ok=True)

    vocabulary = {letter: index for index, letter in enumerate(byte_alphabet())}
    added = []
    for index, token in enumerate(SPECIAL, len(vocabulary)):
        vocabulary[token] = index
        added.append({"id": index, "content": token, "single_word": False, "lstrip": False,
                      "rstrip": False, "normalized": False, "special": True})
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                  "use_regex": True}
    files = {
        "config.json": {
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "float32",
            "hidden_size": HIDDEN, "intermediate_size": FFN, "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS, "head_dim": HEAD_DIM,
            "vocab_size": len(vocabulary), "max_position_embeddings": 2048, "rms_norm_eps": 1e-5,
            "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": True,
            "attention_bias": False, "mlp_bias": False,
            "bos_token_id": vocabulary["<|im_start|>"], "eos_token_id": vocabulary["<|im_end|>"],
        },
        "tokenizer.json": {
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
            "normalizer": None, "pre_tokenizer": byte_level, "post_processor": None,
            "decoder": byte_level,
            "model": {"type": "BPE", "dropout": None, "unk_token": None,
                      "continuing_subword_prefix": None, "end_of_word_suffix": None,
                      "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                      "vocab": vocabulary, "merges": []},
        },
        "tokenizer_config.json": {
            "bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>",
            "chat_template": CHAT_TEMPLATE, "model_max_length": 2048,
        },
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    write_safetensors(folder / "model.safetensors", tensors(len(vocabulary)), random.Random(seed))


if __name__ == "__main__":
    main()
