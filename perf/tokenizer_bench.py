#!/usr/bin/env python3
"""Our tokenizer and its peers on the same documents in one run, one thread each.

    python3 -m venv venv && venv/bin/pip install tokenizers tokie fastokens kitoken
    cmake --preset release -DAXL_ENABLE_PERF=ON && cmake --build build/release --target bench_tokenizer
    venv/bin/python perf/tokenizer_bench.py build/release/bin/bench_tokenizer TOKENIZER_JSON...

Two texts: `mixed` is all text of --data (JSON files give their strings) and this project's source
code, `english` its documents that are English prose. Short strings are joined to documents of at
least --document-bytes, which everyone encodes one by one. Cold is the first pass of a fresh process
or instance, warm a later one. Prints tokens a second, the ratio to ours, and whether all ids are
equal; then ours with 1, 2, 4, ... threads. Peers: tokenizer_peers.py. A tokenizer.json of a GGUF model:
axolotl-hpc export. Exit code 1 if our ids differ from those of Hugging Face.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from tokenizer_peers import PEERS

ROOT = pathlib.Path(__file__).resolve().parents[1]
FRESH_PROCESSES = 3


def strings_of(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings_of(item)


def strings_of_file(file):
    text = file.read_text(encoding="utf-8", errors="replace")
    if file.suffix == ".json":
        return list(strings_of(json.loads(text)))
    if file.suffix == ".jsonl":
        return [s for line in text.split("\n") if line.strip() for s in strings_of(json.loads(line))]
    return text.split("\n\n") if file.suffix == ".txt" else [text]


def documents(strings, at_least):
    """Strings joined to documents; surrogates and NUL, which no peer takes, are replaced."""
    out, size = [[]], 0
    for s in strings:
        s = s.encode("utf-8", "replace").decode().replace("\0", " ")
        out[-1].append(s)
        size += len(s.encode())
        if size >= at_least:
            out.append([])
            size = 0
    return [d for d in ("\n".join(part) for part in out) if d]


def is_english(text):
    return sum(c.isascii() for c in text) >= 0.98 * len(text)


def texts_of(data, at_least):
    prose = [s for f in sorted(data.iterdir()) if f.suffix in (".json", ".jsonl", ".txt") for s in strings_of_file(f)]
    code = [f.read_text() for folder in ("src", "kernels", "perf") for f in sorted((ROOT / folder).rglob("*")) if f.suffix in (".cpp", ".hpp", ".py")]
    mixed = documents(prose + code, at_least)
    return {"mixed": mixed, "english": [d for d in documents(prose, at_least) if is_english(d)]}


def run_ours(program, tokenizer, texts, ids):
    runs = [json.loads(subprocess.run([program, tokenizer, texts, ids], check=True, capture_output=True, text=True).stdout) for _ in range(FRESH_PROCESSES)]
    out = {key: statistics.median(r[key] for r in runs) for key in ("load_ms", "cold_s", "warm_s")}
    return {**out, "name": "axolotl-hpc", "tokens": runs[0]["tokens"], "threads": runs[-1]["threads"]}


def run_peer(name, tokenizer, texts, ids):
    passes = 2 if name == "tokenizers" else 4
    script = pathlib.Path(__file__).with_name("tokenizer_peers.py")
    run = subprocess.run([sys.executable, script, name, tokenizer, texts, ids, str(passes)], capture_output=True, text=True)
    if run.returncode != 0 or not run.stdout.strip():
        return {"name": name, "missing": "it crashed"}
    return json.loads(run.stdout.splitlines()[-1])


def describe(result, ours, equal):
    if "missing" in result:
        return f"  {result['name']:<18} {result['missing']}"
    rate = {key: result["tokens"] / result[key + "_s"] / 1e6 for key in ("cold", "warm")}
    ratio = {key: result[key + "_s"] / ours[key + "_s"] for key in ("cold", "warm")}
    label = result["name"] + (" " + result["version"] if "version" in result else "")
    way = f"  ({result['cold_way']}, {result['warm_way']})" if "cold_way" in result else ""
    note = "; " + result["note"] if "note" in result else ""
    return (f"  {label:<18} load {result['load_ms']:>7.1f} ms  cold {rate['cold']:>6.2f}  warm {rate['warm']:>6.2f} M tokens/s"
            f"  ours is {ratio['cold']:>5.1f}x cold {ratio['warm']:>5.1f}x warm  {equal}{way}{note}")


def compare(program, tokenizer, label, docs, names):
    with tempfile.TemporaryDirectory() as folder:
        texts = str(pathlib.Path(folder, "texts"))
        raw = b"".join(d.encode() + b"\0" for d in docs)
        pathlib.Path(texts).write_bytes(raw)
        ids = {name: str(pathlib.Path(folder, name)) for name in ["ours", *names]}
        ours = run_ours(program, tokenizer, texts, ids["ours"])
        our_ids = pathlib.Path(ids["ours"]).read_bytes()
        name = pathlib.Path(tokenizer).parent.name
        print(f"{name}, {label}: {len(raw) - len(docs):,} bytes in {len(docs):,} documents, {ours['tokens']:,} tokens")
        print(describe(ours, ours, ""), flush=True)
        agrees = True
        for peer in names:
            result = run_peer(peer, tokenizer, texts, ids[peer])
            equal = "missing" in result or pathlib.Path(ids[peer]).read_bytes() == our_ids
            agrees = agrees and (equal or peer != "tokenizers")
            print(describe(result, ours, "ids equal" if equal else "IDS DIFFER"), flush=True)
        first = ours["threads"][0][1]
        for n, rate in ours["threads"]:
            print(f"  ours, {n} thread{'s' * (n > 1)}: {rate / 1e6:.2f} M tokens/s of wall time, {rate / first:.2f}x")
    return agrees


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("tokenizers", nargs="+")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--document-bytes", type=int, default=2048)
    parser.add_argument("--texts", nargs="+", default=["mixed", "english"], choices=["mixed", "english"])
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    options = parser.parse_args()
    texts = texts_of(options.data, options.document_bytes)
    agrees = True
    for tokenizer in options.tokenizers:
        for label in options.texts:
            agrees = compare(options.program, tokenizer, label, texts[label], options.peers) and agrees
    sys.exit(0 if agrees else 1)


if __name__ == "__main__":
    main()
