"""Makes the first inputs of the targets `weights` and `tokenizer_model` in corpus/: small whole files of
each kind. Needs nothing beyond Python. Run in this folder."""
import base64
import json
import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent / "corpus"


def text(s):
    return struct.pack("<Q", len(s.encode())) + s.encode()


def gguf_value(value):
    if isinstance(value, bool):
        return struct.pack("<IB", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + text(value)
    kind = {str: 8, float: 6, int: 5}[type(value[0])]
    item = {8: text, 6: lambda x: struct.pack("<f", x), 5: lambda x: struct.pack("<i", x)}[kind]
    return struct.pack("<IIQ", 9, kind, len(value)) + b"".join(map(item, value))


def gguf(values, tensors, alignment=32):
    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values))
    for key, value in values.items():
        out += text(key) + gguf_value(value)
    data = b""
    for name, shape, kind, content in tensors:
        data += bytes(-len(data) % alignment)
        out += text(name) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", n) for n in reversed(shape))
        out += struct.pack("<IQ", kind, len(data))
        data += content
    return out + bytes(-len(out) % alignment) + data


def filled(size):
    return bytes((7 * i + 1) % 60 for i in range(size))


def llama(values):
    return {"general.architecture": "llama", "llama.block_count": 1, "llama.context_length": 16, "llama.embedding_length": 32,
            "llama.feed_forward_length": 32, "llama.attention.head_count": 2, "llama.attention.head_count_kv": 1,
            "llama.attention.layer_norm_rms_epsilon": 1e-5, "llama.rope.freq_base": 1e4, "llama.rope.dimension_count": 16} | values


def safetensors(tensors, data, **extra):
    header = json.dumps({"__metadata__": {"format": "pt"}} | {n: {"dtype": d, "shape": s, "data_offsets": o} | extra for n, d, s, o in tensors}).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + data


def weights():
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 8, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1,
              "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 16, "rms_norm_eps": 1e-5, "rope_theta": 1e4, "torch_dtype": "bfloat16"}
    yield "config.bin", b"\0" + json.dumps(config).encode()
    rope = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8}
    yield "config_llama3.bin", b"\0" + json.dumps(config | {"rope_scaling": rope, "head_dim": 16, "eos_token_id": [1, 2]}).encode()
    rope = {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0, "beta_fast": 32, "beta_slow": 1, "mscale": 1.0, "mscale_all_dim": 1.0}
    yield "config_yarn.bin", b"\0" + json.dumps(config | {"rope_parameters": rope}).encode()
    names = [("a", "F32", [2, 2], [0, 16]), ("b", "BF16", [3], [16, 22]), ("c", "F16", [1, 1], [22, 24]), ("d", "I64", [1], [24, 32]), ("e", "U8", [0], [32, 32]), ("f", "F32", [2, 0], [32, 32])]
    yield "safetensors.bin", b"\1" + safetensors(names, filled(32))
    kinds = [("token_embd.weight", [2, 32], 0, 256), ("blk.0.attn_q.weight", [32, 32], 8, 1088), ("blk.0.attn_k.weight", [16, 32], 30, 1024), ("blk.0.attn_v.weight", [1, 32], 1, 64),
             ("blk.0.attn_output.weight", [1, 32], 2, 18), ("blk.0.ffn_up.weight", [1, 32], 3, 20), ("blk.0.ffn_gate.weight", [1, 256], 12, 144), ("output.weight", [1, 256], 14, 210)]
    yield "types.bin", b"\2" + gguf(llama({"tokenizer.ggml.bos_token_id": 1}), [(n, s, k, filled(b)) for n, s, k, b in kinds])
    embeddings, frequencies = ("token_embd.weight", [1, 32], 0, filled(128)), ("rope_freqs.weight", [8], 0, struct.pack("<8f", 1, 1, 1, 1.5, 2, 4, 8, 8))
    scaled = llama({"llama.rope.scaling.type": "yarn", "llama.rope.scaling.factor": 4.0, "llama.rope.scaling.original_context_length": 4, "general.alignment": 8})
    yield "scaled.bin", b"\2" + gguf(scaled, [embeddings], 8)
    yield "divided.bin", b"\2" + gguf(llama({"llama.attention.key_length": 16}), [embeddings, frequencies])
    yield "divisors_empty.bin", b"\2" + gguf(llama({}), [embeddings, ("rope_freqs.weight", [0], 0, b"")])
    yield "architecture_not_utf8.bin", b"\2" + gguf({k.replace("llama", "l?"): v for k, v in (llama({}) | {"general.architecture": "l?"}).items()}, [embeddings]).replace(b"l?", b"l\xff")


def tokenizer_model():
    cases = json.loads((HERE.parents[1] / "fixtures/tokenizer/sentencepiece_cases.json").read_text())["cases"]
    for case in cases:
        yield case["name"] + ".model", base64.b64decode(case["model"])
    bytes_first = [chr(c) for c in range(33, 127)] + ["\u0120", "ab", "\u0120a", "<s>", "</s>"]
    ids = {"tokenizer.ggml.bos_token_id": 97, "tokenizer.ggml.eos_token_id": 98, "tokenizer.ggml.token_type": [1] * 97 + [3, 3], "tokenizer.chat_template": "{{ messages }}"}
    yield "gpt2.gguf", gguf({"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "smollm", "tokenizer.ggml.tokens": bytes_first, "tokenizer.ggml.merges": ["a b", "\u0120 a"]} | ids, [])
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(0, 256, 5)] + ["\u2581", "a", "b", "\u2581a", "ab"]
    yield "llama.gguf", gguf({"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": pieces, "tokenizer.ggml.scores": [-float(i) for i in range(len(pieces))],
                              "tokenizer.ggml.token_type": [2, 3, 3] + [6] * 52 + [1] * 5, "tokenizer.ggml.add_bos_token": True, "tokenizer.ggml.unknown_token_id": 0}, [])
    yield "ranks.model", b"".join(base64.b64encode(bytes([b])) + f" {b}\n".encode() for b in range(0, 256, 8))


for folder, inputs in (("weights", weights()), ("tokenizer_model", tokenizer_model())):
    (HERE / folder).mkdir(exist_ok=True)
    for name, content in inputs:
        (HERE / folder / name).write_bytes(content)
