#!/usr/bin/env python3
"""Differential fuzz test: our ids against those of the `tokenizers` package, on mixed text.

    python3 -m venv venv && venv/bin/pip install tokenizers==0.23.3
    venv/bin/python tests/tokenizer_fuzz/fuzz.py build/release/bin/axolotl-hpc --bytes 10000000 TOKENIZERS...

Text: real lines (--data FOLDER, else the project's own docs), random characters of many scripts,
emoji sequences, combining marks, runs of spaces, control characters, things that look like escapes,
and each tokenizer's own special tokens in the middle of text. The same --seed gives the same text.
Prints a line a tokenizer, and the first texts that differ; exit code 1 if any does. Without the
package, or without a tokenizer, it says so and ends with 77 (skipped).
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unicodedata

from mutations import mutate

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77
SPACES = [" ", "  ", "    ", "\t", "\n", "\r\n", "\n\n\n", "\r", "\u00a0", "\u2003", "\u3000", "\u2028", "\u0085", "\u200b", "\x0b", "\u1680"]
ESCAPES = ["\\n", "\\u00e9", "\\x41", "&amp;", "%20", "\\\\", "\\ud83d\\ude00", "<0x0A>", "<0xE2>", "{{ x }}", "{% if %}", "</s", "<|im_", "\u2581", "\u0120a",
           "##ing", "http://example.com/c?d=e&f#g", "user@host.org", "C:\\dir", "'''", "\"\"\"", "it's", "WE'LL", "I'D", "'\u017f", "x=1;y+=2", "0x1F", "1e-5", "1,234.56"]
EMOJI = ["\U0001f600", "\U0001f44d\U0001f3fd", "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\u2764\ufe0f", "1\ufe0f\u20e3", "\U0001f3f4\U000e0067\U000e0062\U000e007f"]
SCRIPTS = [(0x41, 0x7A), (0xC0, 0x24F), (0x370, 0x3FF), (0x400, 0x52F), (0x590, 0x6FF), (0x900, 0xD7F), (0xE00, 0xFFF), (0x1100, 0x11FF), (0x1E00, 0x20CF), (0x2100, 0x27BF),
           (0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFFEF), (0x10000, 0x1FAFF), (0x20000, 0x323AF)]


def real_lines(folder):
    files = sorted(p for p in pathlib.Path(folder).rglob("*") if p.suffix in (".json", ".jsonl", ".txt", ".md") and p.is_file())
    lines = []
    for file in files:
        for line in file.read_text(encoding="utf-8", errors="replace").split("\n"):
            # Escapes of JSON become the characters that they stand for, as in training data.
            try:
                line = json.loads(f'"{line.strip().strip(",").split(": ", 1)[-1].strip(chr(34))}"')
            except ValueError:
                pass
            line = line.encode("utf-8", "replace").decode()
            if line:
                lines.append(line[:2000])
    return lines


class Texts:
    """Endless texts from a seed."""

    def __init__(self, seed, lines, special):
        self.random = random.Random(seed)
        self.lines, self.special = lines, special
        self.kinds = [self.line, self.line, self.line, self.mixed, self.mixed, self.characters, self.marks, self.spaced, self.specials]

    def code(self):
        r = self.random
        while True:
            low, high = r.choice(SCRIPTS) if r.random() < 0.9 else (1, 0x10FFFF)
            c = r.randint(low, high)
            if not 0xD800 <= c < 0xE000 and unicodedata.category(chr(c)) not in ("Cn", "Co"):
                return chr(c)

    def line(self):
        return self.random.choice(self.lines)

    def part(self):
        r = self.random
        line = self.line()
        start = r.randrange(len(line))
        return line[start:start + r.randint(1, 30)]

    def mixed(self):
        r = self.random
        pools = [SPACES, ESCAPES, EMOJI, self.special or ESCAPES]
        parts = []
        for _ in range(r.randint(2, 25)):
            x = r.random()
            if x < 0.35:
                parts.append(self.part())
            elif x < 0.5:
                parts.append(self.code() * r.choice([1, 1, 1, 2, 5]))
            elif x < 0.6:
                parts.append(str(r.randint(0, 10 ** r.randint(1, 12))))
            elif x < 0.65:
                parts.append(chr(r.choice(list(range(32)) + [127, 0xAD, 0x200D, 0xFEFF, 0xFFFD])))
            else:
                parts.append(r.choice(r.choice(pools)))
        return "".join(parts)

    def characters(self):
        return "".join(self.code() for _ in range(self.random.randint(1, 60)))

    def marks(self):
        r = self.random
        marks = [chr(c) for c in range(0x300, 0x370)] + ["\u0e31", "\u0e4d\u0e32", "\u094d", "\u1161", "\u11a8", "\u3099", "\u200d", "\ufe0f"]
        return "".join(r.choice("aeiouEO\u1100\u0e01\u0915\u304b ") + "".join(r.choices(marks, k=r.randint(0, 4))) for _ in range(r.randint(1, 30)))

    def spaced(self):
        r = self.random
        return "".join(r.choice(SPACES) * r.choice([1, 1, 2, 7]) + (self.part() if r.random() < 0.6 else "") for _ in range(r.randint(1, 15)))

    def specials(self):
        r = self.random
        pool = self.special or ESCAPES
        return "".join(r.choice(pool) + r.choice(["", " ", "  ", "\n", "x", self.part()]) for _ in range(r.randint(1, 8)))

    def make(self, size):
        out, held = [], 0
        while held < size:
            text = self.random.choice(self.kinds)()
            out.append(text)
            held += len(text.encode())
        return out


def ours(program, tokenizer, texts, *options):
    lines = "".join(json.dumps(t) + "\n" for t in texts)
    run = subprocess.run([program, "tokenize", "--tokenizer", tokenizer, "--format", "json", *options], input=lines,
                         capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"{tokenizer}: {program} ended with {run.returncode}: {run.stderr.strip()}")
    return [json.loads(line) for line in run.stdout.split("\n") if line]


def compare(name, texts, get_ours, get_theirs):
    if len(get_ours) != len(texts):
        sys.exit(f"{name}: {len(get_ours)} answers for {len(texts)} texts")
    wrong = [i for i, (a, b) in enumerate(zip(get_ours, get_theirs)) if a != b]
    for i in sorted(wrong, key=lambda i: len(texts[i]))[:3]:
        print(f"  {json.dumps(texts[i])}\n    ours   {get_ours[i]}\n    theirs {get_theirs[i]}")
    return len(wrong)


def unpack(path, folder):
    """(name, file) of every tokenizer that `path` names: a tokenizer.json, a folder of them, or the
    tokenizer_cases.json of the unit tests."""
    if path.is_dir():
        return [(file.parent.name, file) for file in sorted(path.rglob("tokenizer.json"))]
    if path.name != "tokenizer_cases.json":
        return [(path.parent.name, path)] if path.exists() else []
    out = []
    for case in json.loads(path.read_text())["cases"]:
        file = pathlib.Path(folder, case["name"], "tokenizer.json")
        file.parent.mkdir()
        file.write_text(json.dumps(case["tokenizer"]))
        out.append((case["name"], file))
    return out


def with_changes(files, count, seed, folder):
    """The files and `count` changed copies of them."""
    out, r = list(files), random.Random(seed)
    for i in range(count):
        name, file = r.choice(files)
        changed = pathlib.Path(folder, f"changed-{i}", "tokenizer.json")
        changed.parent.mkdir()
        changed.write_text(json.dumps(mutate(json.loads(file.read_text()), f"{seed}.{i}")))
        out.append((f"{name} changed {i}", changed))
    return out


def run_all(tokenizers, files, args):
    lines, failed = real_lines(args.data), 0
    print(f"tokenizers {tokenizers.__version__}, seed {args.seed}, {len(lines)} real lines")
    for name, file in files:
        t = tokenizers.Tokenizer.from_file(str(file))
        t.no_truncation()
        t.no_padding()
        special = [a.content for a in t.get_added_tokens_decoder().values()][:64]
        texts = Texts(args.seed, lines, special).make(args.bytes)
        start = time.monotonic()
        wrong = tokens = 0
        theirs = []
        for i in range(0, len(texts), 2000):
            theirs += [e.ids for e in t.encode_batch(texts[i:i + 2000], add_special_tokens=False)]
        wrong = compare(name, texts, ours(args.program, str(file), texts), theirs)
        some = texts[::20]
        with_special = [e.ids for e in t.encode_batch(some)]
        wrong += compare(name, some, ours(args.program, str(file), some, "--add-special-tokens"), with_special)
        decoded = [t.decode(e, skip_special_tokens=False) for e in theirs[::20]]
        run = subprocess.run([args.program, "tokenize", "--tokenizer", str(file), "--format", "json", "--decode"],
                             input="".join(f"{e}\n" for e in theirs[::20]), capture_output=True, text=True)
        back = [json.loads(line) for line in run.stdout.split("\n") if line]
        wrong += compare(name, decoded, back, decoded)
        tokens = sum(map(len, theirs))
        size = sum(len(x.encode()) for x in texts)
        print(f"{name:<24} {size:>11,} bytes {len(texts):>7,} texts {tokens:>10,} tokens  {wrong} differ  ({time.monotonic() - start:.0f} s)", flush=True)
        failed += wrong > 0
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("tokenizers", nargs="*", help="tokenizer.json files, folders searched for them, or a tokenizer_cases.json")
    parser.add_argument("--bytes", type=int, default=200_000, help="of text a tokenizer")
    parser.add_argument("--data", default=str(ROOT / "docs"), help="folder of real text")
    parser.add_argument("--mutations", type=int, default=0, metavar="N", help="changed copies of the tokenizers, too")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_intermixed_args()
    try:
        import tokenizers
    except ImportError:
        print("skipped: the Python package 'tokenizers' is not installed")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        files = [f for path in map(pathlib.Path, args.tokenizers) for f in unpack(path, folder)]
        if not files:
            print("skipped: no tokenizer.json found")
            return SKIPPED
        files = with_changes(files, args.mutations, args.seed, folder)
        return run_all(tokenizers, files, args)


if __name__ == "__main__":
    sys.exit(main())
