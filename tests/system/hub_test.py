"""Downloads data sets and a model from a stand-in of the Hugging Face Hub.

    hub_test.py PROGRAM [ROOT]

The server answers as the Hub does: /api/.../revision/..., /resolve/... with ETags, redirects and
Range; on demand it breaks a transfer half-way, spoils bytes or asks for a token. What the cache holds
afterwards is Hugging Face's own layout. Exit code 1 if anything fails.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "89abcdef" * 5
OLDER = "01234567" * 5  # what the tag v1.0 means
LARGE = 20000  # bytes from which a file is "large": named by SHA-256 and served after a redirect


def git_blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest() if len(data) >= LARGE else git_blob(data)


class Hub(ThreadingHTTPServer):
    """files["datasets/org/name"] = {path: bytes}; what v1.0 has, under "datasets/org/name@v1.0"."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, dict[str, bytes]] = {}
        self.break_after: dict[str, int] = {}  # path -> bytes of the first answer
        self.spoil: set[str] = set()
        self.token = ""
        self.log: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub = self.server
        hub.log.append(f"{self.command} {self.path} {self.headers.get('Range', '')} "
                       f"{self.headers.get('If-Range', '')}".strip())
        allowed = self.headers.get("Authorization") == f"Bearer {hub.token}"
        if hub.token and not allowed and not self.path.startswith("/cdn/"):
            return self.answer(401)
        parts = self.path.strip("/").split("/")
        if parts[0] == "api":
            repository, revision = "/".join(parts[1:4]), "/".join(parts[5:])
            if revision not in ("main", COMMIT):
                repository += "@v1.0"
            if repository not in hub.files or revision not in ("main", COMMIT, "v1.0", OLDER):
                return self.answer(404)
            siblings = [{"rfilename": name} for name in hub.files[repository]]
            siblings.append({"rfilename": "../../escape"})  # must never be written
            sha = OLDER if repository.endswith("@v1.0") else COMMIT
            body = json.dumps({"sha": sha, "siblings": siblings}).encode()
            return self.answer(200, body)
        cdn = parts[0] == "cdn"
        if cdn:
            parts = parts[1:]
        if parts[0] != "datasets":
            parts.insert(0, "models")
        repository, name = "/".join(parts[:3]), "/".join(parts[5:])
        if parts[4] == OLDER:
            repository += "@v1.0"
        data = hub.files.get(repository, {}).get(name)
        if data is None or parts[3] != "resolve" or parts[4] not in (COMMIT, OLDER):
            return self.answer(404)
        large = len(data) >= LARGE
        if large and not cdn:
            return self.answer(302, Location=f"{hub.url}/cdn{self.path}", ETag='"of-the-redirect"',
                               X_Linked_Etag=f'"{etag(data)}"', X_Repo_Commit=COMMIT)
        if self.command == "HEAD":
            return self.answer(200, ETag=f'"{etag(data)}"', Content_Length=str(len(data)))
        if name in hub.spoil:
            hub.spoil.discard(name)
            data = data[:-1] + bytes([data[-1] ^ 1])
        begin = 0
        wanted = self.headers.get("Range", "")
        tag = f'"{etag(data)}"'
        if wanted.startswith("bytes=") and self.headers.get("If-Range", tag) == tag:
            begin = int(wanted[6:].split("-")[0])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(data) - begin))
        self.end_headers()
        stop = hub.break_after.pop(name, None)
        self.wfile.write(data[begin:stop] if stop is not None else data[begin:])
        if stop is not None:
            self.wfile.flush()
            self.close_connection = True
        return None


class Test:
    def __init__(self, program: Path, root: Path, folder: Path) -> None:
        self.program, self.root, self.folder = program, root, folder
        self.hub = Hub()
        threading.Thread(target=self.hub.serve_forever, daemon=True).start()
        self.failures: list[str] = []

    def check(self, good: bool, what: str) -> None:
        print(("ok      " if good else "FAILED  ") + what)
        if not good:
            self.failures.append(what)

    def run(self, dataset: str, *, home: str = "home", model: str = "", keys: str = "",
            **variables: str) -> tuple[int, str]:
        config = self.folder / "run.yaml"
        base = model or str(self.root / "tests/fixtures/tiny_llama")
        config.write_text(
            f"base_model: {base}\nlearning_rate: 1e-4\nmicro_batch_size: 1\nsequence_len: 256\n"
            f"adapter: lora\nlora_r: 4\nlora_alpha: 8\nlora_target_linear: true\nnum_epochs: 1\n"
            f"gradient_accumulation_steps: 1\nval_set_size: 0\n{keys}"
            f"dataset_prepared_path: {self.folder}/prepared\ndatasets:\n{dataset}"
        )
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
        environment.update(HF_HOME=str(self.folder / home), HF_ENDPOINT=self.hub.url,
                           no_proxy="127.0.0.1", **variables)
        done = subprocess.run([self.program, "preprocess", config], env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)
        return done.returncode, done.stdout


def rows(count: int) -> bytes:
    return b"".join(json.dumps({"text": f"row number {i}"}).encode() + b"\n" for i in range(count))


def main() -> int:
    program = Path(sys.argv[1]).resolve()
    root = Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory() as scratch:
        t = Test(program, root, Path(scratch))
        hub = t.hub
        data = rows(3000)
        hub.files["datasets/org/texts"] = {
            "README.md": b"a card", "data/train-0.jsonl": data, "data/train-1.jsonl": rows(5),
            "data/test.jsonl": rows(7), "other/train.jsonl": rows(11),
        }
        entry = "  - path: org/texts\n    type: completion\n"

        hub.break_after["data/train-0.jsonl"] = 1000
        code, out = t.run(entry + "    data_files: data/train-*.jsonl\n")
        t.check(code == 0 and "3005 read" in out, "a data set is downloaded; train files alone")
        if code != 0:
            print(out)
        t.check(any("Range" not in line and "bytes=" in line for line in hub.log),
                "a broken transfer goes on where it stopped")
        cache = Path(scratch) / "home/hub/datasets--org--texts"
        link = cache / "snapshots" / COMMIT / "data/train-0.jsonl"
        t.check(link.is_symlink() and link.read_bytes() == data, "the snapshot links to the blob")
        t.check(link.resolve() == (cache / "blobs" / etag(data)).resolve(), "blobs are named by ETag")
        t.check((cache / "refs/main").read_text() == COMMIT, "refs/main holds the commit")
        t.check(not list(cache.glob("blobs/*.incomplete")), "no partial file is left")
        t.check(not any(p.name == "escape" for p in Path(scratch).rglob("*")), "no path escapes")

        before = len([line for line in hub.log if "/cdn/" in line])
        code, out = t.run(entry + "    data_files: data/train-*.jsonl\n")
        after = len([line for line in hub.log if "/cdn/" in line])
        t.check(code == 0 and before == after, "nothing is downloaded twice")

        code, out = t.run(entry + "    split: test\n")
        t.check(code == 0 and "7 read" in out, "split: test takes the test file")
        code, out = t.run(entry + "    name: other\n")
        t.check(code == 0 and "11 read" in out, "name: other takes the subset's folder")
        code, out = t.run(entry + "    split: test\n", HF_HUB_OFFLINE="1")
        t.check(code == 0, "offline, the cache is enough")
        code, out = t.run(entry, home="empty", HF_HUB_OFFLINE="1")
        t.check(code == 2 and "HF_HUB_OFFLINE is set" in out, "offline without a cache is refused")

        hub.spoil.add("data/train-0.jsonl")
        code, out = t.run(entry, home="spoiled")
        t.check(code == 0 and "wrong checksum" in out, "a spoiled file is downloaded again")

        hub.token = "secret"
        code, out = t.run(entry, home="private")
        t.check(code == 2 and "HF_TOKEN" in out, "without a token a private data set is refused")
        code, out = t.run(entry, home="private", HF_TOKEN="secret")
        t.check(code == 0, "with HF_TOKEN it is read")
        hub.token = ""
        code, out = t.run("  - path: org/none\n    type: completion\n")
        t.check(code == 2 and "neither on this machine nor on the Hub" in out, "unknown names are told")

        fixture = root / "tests/fixtures/tiny_llama"
        hub.files["models/org/tiny"] = {p.name: p.read_bytes() for p in fixture.iterdir() if p.is_file()}
        hub.files["models/org/tiny"]["pytorch_model.bin"] = b"never downloaded"
        code, out = t.run(entry + "    split: test\n", model="org/tiny")
        snapshot = Path(scratch) / "home/hub/models--org--tiny/snapshots" / COMMIT
        t.check(code == 0 and (snapshot / "tokenizer.json").exists(), "a model's tokenizer by name")
        if code != 0:
            print(out)
        t.check(not (snapshot / "model.safetensors").exists(), "preprocess needs no weights")

        # A revision of a data set and of a model.
        hub.files["datasets/org/texts@v1.0"] = {"data/train-0.jsonl": rows(4)}
        for revision in ("v1.0", OLDER):
            # Quoted, as Axolotl wants it: a commit of digits alone is a number in YAML.
            code, out = t.run(entry + f"    revision: '{revision}'\n")
            t.check(code == 0 and "4 read" in out, f"revision: {revision} of a data set")
        code, out = t.run(entry + "    revision: v9\n")
        t.check(code == 2 and "revision 'v9'" in out, "an unknown revision is told")
        hub.files["models/org/tiny@v1.0"] = hub.files["models/org/tiny"]
        for key in ("model_revision", "revision_of_model"):
            code, out = t.run(entry + "    split: test\n", model="org/tiny", keys=f"{key}: v1.0\n", home=key)
            snapshots = Path(scratch) / key / "hub/models--org--tiny/snapshots"
            t.check(code == 0 and os.listdir(snapshots) == [OLDER], f"{key}: v1.0")

        # The card says which files a subset and a split have.
        hub.files["datasets/org/carded"] = {
            "README.md": b"""---
license: mit
configs:
- config_name: english
  default: true
  data_files:
  - split: train
    path: [en/first.jsonl, "en/more-*.jsonl"]
  - split: check
    path: en/check.jsonl
- config_name: german
  data_dir: de
  data_files: "*.jsonl"
---
# Rows
""",
            "en/first.jsonl": rows(3), "en/more-1.jsonl": rows(4), "en/check.jsonl": rows(2),
            "de/a.jsonl": rows(5), "de/b.jsonl": rows(6), "train.jsonl": rows(100),
        }
        carded = "  - path: org/carded\n    type: completion\n"
        code, out = t.run(carded)
        t.check(code == 0 and "7 read" in out, "the card's default subset")
        code, out = t.run(carded + "    split: check\n")
        t.check(code == 0 and "2 read" in out, "a split of the card")
        code, out = t.run(carded + "    name: german\n")
        t.check(code == 0 and "11 read" in out, "a subset of the card by its name")
        code, out = t.run(carded + "    name: german\n", HF_HUB_OFFLINE="1")
        t.check(code == 0 and "11 read" in out, "offline, the card of the cache is read")
        code, out = t.run(carded + "    data_files: train.jsonl\n")
        t.check(code == 0 and "100 read" in out, "data_files comes before the card")
        code, out = t.run(carded + "    name: french\n")
        t.check(code == 2 and "english, german" in out, "an unknown subset is told")
        code, out = t.run(carded + "    split: test\n")
        t.check(code == 2 and "train, check" in out, "an unknown split is told")

        local = Path(scratch) / "local"
        (local / "x").mkdir(parents=True)
        (local / "README.md").write_text("---\nconfigs:\n- config_name: c\n  data_files: x/*.jsonl\n---\n")
        (local / "x/rows.jsonl").write_bytes(rows(8))
        (local / "train.jsonl").write_bytes(rows(9))
        code, out = t.run(f"  - path: {local}\n    type: completion\n")
        t.check(code == 0 and "8 read" in out, "the card of a folder")
        code, out = t.run("  - path: s3://bucket/rows\n    type: completion\n")
        t.check(code == 2 and "aws s3 cp --recursive s3://bucket/rows" in out, "s3:// comes with the way there")

        code, out = t.run(f"  - path: {hub.url}/datasets/org/texts/resolve/{COMMIT}/data/test.jsonl\n"
                          "    type: completion\n")
        t.check(code == 0 and "7 read" in out, "a file by its URL")

        # What an interrupted download left belongs to the file that was there then.
        url = f"{hub.url}/datasets/org/texts/resolve/{COMMIT}/data/train-1.jsonl"
        whole = rows(5)
        for name, left, tag, from_byte in (
                ("the same file goes on", whole[:50], f'"{etag(whole)}"', 50),
                ("another file starts anew", b"x" * 50, '"of-the-older-file"', 50),
                ("bytes of unknown origin are not taken", b"x" * 50, "", 0)):
            home = name.replace(" ", "-")
            folder = Path(scratch) / home / "hub/axolotl-hpc" / hashlib.sha256(url.encode()).hexdigest()
            folder.mkdir(parents=True)
            (folder / "train-1.jsonl.incomplete").write_bytes(left)
            if tag:
                (folder / "train-1.jsonl.incomplete.etag").write_text(tag)
            hub.log.clear()
            code, out = t.run(f"  - path: {url}\n    type: completion\n", home=home)
            asked = f"bytes={from_byte}-" in "".join(hub.log)
            t.check(code == 0 and "5 read" in out and asked == (from_byte > 0)
                    and (folder / "train-1.jsonl").read_bytes() == whole
                    and not list(folder.glob("*.etag")), name)
        print(f"hub_test: {len(t.failures)} failures")
        return 1 if t.failures else 0


if __name__ == "__main__":
    sys.exit(main())
