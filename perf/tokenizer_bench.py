#!/usr/bin/env python3
"""Our tokenizer and Hugging Face's on the same text in one run, one thread each.

    python3 -m venv venv && venv/bin/pip install tokenizers==0.23.3
    cmake --preset release -DAXL_ENABLE_PERF=ON && cmake --build build/release --target bench_tokenizer
    venv/bin/python perf/tokenizer_bench.py build/release/bin/bench_tokenizer TOKENIZER_JSON TEXT...

Times are processor times, so that a busy machine does not matter. Texts are joined and encoded line by line by both. Prints the rates, their ratio and whether all ids
are equal. A tokenizer.json of a GGUF model: axolotl-hpc export, or Tokenizer::save().
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"


def theirs(tokenizer, lines):
    import tokenizers

    start = time.process_time()
    t = tokenizers.Tokenizer.from_file(tokenizer)
    load = time.process_time() - start
    rates = []
    for _ in range(3):
        start = time.process_time()
        out = [t.encode(line, add_special_tokens=False).ids for line in lines]
        rates.append(time.process_time() - start)
    ids = [i for line in out for i in line]
    return {"load_ms": load * 1e3, "cold_tokens_per_s": len(ids) / rates[0],
            "warm_tokens_per_s": len(ids) / min(rates)}, ids


def ours(program, tokenizer, text):
    with tempfile.TemporaryDirectory() as folder:
        file, out = pathlib.Path(folder, "text"), pathlib.Path(folder, "ids")
        file.write_text(text, encoding="utf-8", newline="")
        run = subprocess.run([program, tokenizer, str(file), str(out)], check=True, capture_output=True, text=True)
        raw = out.read_bytes()
    return json.loads(run.stdout), [int.from_bytes(raw[i:i + 4], "little") for i in range(0, len(raw), 4)]


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    program, tokenizer, *files = sys.argv[1:]
    text = "".join(pathlib.Path(f).read_text(encoding="utf-8", errors="replace") for f in files)
    lines = text.split("\n")
    lines = [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    a, our_ids = ours(program, tokenizer, text)
    b, their_ids = theirs(tokenizer, lines)
    print(f"{tokenizer}: {len(text.encode()):,} bytes, {len(our_ids):,} tokens, ids equal: {our_ids == their_ids}")
    for key, unit, better in (("load_ms", "ms", -1), ("cold_tokens_per_s", "tokens/s", 1), ("warm_tokens_per_s", "tokens/s", 1)):
        ratio = (a[key] / b[key]) ** better
        print(f"  {key:<18} ours {a[key]:>14,.1f}  Hugging Face {b[key]:>14,.1f} {unit:<9} {ratio:6.1f}x")
    if our_ids != their_ids:
        sys.exit(1)


if __name__ == "__main__":
    main()
