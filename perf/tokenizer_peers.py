"""Other tokenizers for tokenizer_bench.py: each is measured in a process of its own, on one core.

    tokenizer_peers.py NAME TOKENIZER_JSON TEXTS IDS_OUT PASSES

TEXTS holds documents with a NUL byte behind each. Every way that a package has to encode many
documents is tried, each with a fresh instance; the fastest counts. Times are processor times, and
turning results into Python lists is not counted where the package returns objects of its own.
Prints one JSON line; IDS_OUT receives the ids as int32, a -1 behind each document.
"""

from __future__ import annotations

import array
import importlib.metadata
import json
import os
import pathlib
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

SEPARATOR = b"\0"


def hugging_face(path):
    import tokenizers

    def one_by_one(t, docs, _):
        return [t.encode(d, add_special_tokens=False) for d in docs]

    def batch(t, docs, _):
        return t.encode_batch_fast(docs, add_special_tokens=False)

    return lambda: tokenizers.Tokenizer.from_file(path), {"encode": one_by_one, "encode_batch_fast": batch}, ids_of_objects


def tokie(path):
    import tokie as package

    def one_by_one(t, docs, _):
        return [t.encode(d, add_special_tokens=False) for d in docs]

    def batch(t, docs, _):
        return t.encode_batch(docs, add_special_tokens=False)

    def files(t, _, texts):
        return t.encode_files([texts], separator=SEPARATOR)

    def ids(result):
        if isinstance(result, tuple):
            flat, ends = result[0].tolist(), result[1].tolist()
            return [flat[a:b] for a, b in zip(ends, ends[1:])]
        return ids_of_objects(result)

    return lambda: package.Tokenizer.from_json(path), {"encode": one_by_one, "encode_batch": batch, "encode_files": files}, ids


def fastokens(path):
    import fastokens as package

    def one_by_one(t, docs, _):
        return [t.encode(d, add_special_tokens=False) for d in docs]

    return lambda: package.Tokenizer.from_file(path), {"encode": one_by_one}, ids_of_objects


def kitoken(path):
    from kitoken import Kitoken

    def one_by_one(t, docs, _):
        return [t.encode(d, True) for d in docs]

    def batch(t, docs, _):
        return t.encode_all(docs, True)

    return lambda: Kitoken.from_tokenizers_file(path), {"encode": one_by_one, "encode_all": batch}, ids_of_objects


PEERS = {"tokenizers": hugging_face, "tokie": tokie, "fastokens": fastokens, "kitoken": kitoken}


def ids_of_objects(result):
    return [list(getattr(r, "ids", r)) for r in result]


def measure(name, path, texts, out, passes):
    load, ways, to_ids = PEERS[name](path)
    docs = pathlib.Path(texts).read_bytes().decode().split("\0")[:-1]
    best = {"name": name, "version": importlib.metadata.version(name), "cold_s": None, "warm_s": None, "load_ms": None}
    ids = None
    for way, encode in ways.items():
        start = time.process_time()
        tokenizer = load()
        load_ms = (time.process_time() - start) * 1e3
        seconds = []
        for _ in range(passes):
            start = time.process_time()
            result = encode(tokenizer, docs, texts)
            seconds.append(time.process_time() - start)
        found = to_ids(result)
        if ids is not None and found != ids:
            best["note"] = f"{way} gives other ids than {next(iter(ways))}"
            continue
        ids = found
        for key, value in (("load_ms", load_ms), ("cold_s", seconds[0]), ("warm_s", min(seconds))):
            if best[key] is None or value < best[key]:
                best[key] = value
                best[key.split("_")[0] + "_way"] = way
    flat = array.array("i")
    for doc in ids:
        flat.extend(doc)
        flat.append(-1)
    pathlib.Path(out).write_bytes(flat.tobytes())
    best["tokens"] = len(flat) - len(docs)
    return best


def main():
    name, path, texts, out, passes = sys.argv[1:]
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    try:
        print(json.dumps(measure(name, path, texts, out, int(passes))))
    except (ImportError, importlib.metadata.PackageNotFoundError):
        print(json.dumps({"name": name, "missing": "not installed"}))
    except BaseException as error:  # a Rust panic is no Exception
        print(json.dumps({"name": name, "missing": f"cannot do it: {type(error).__name__}: {str(error)[:100]}"}))


if __name__ == "__main__":
    main()
