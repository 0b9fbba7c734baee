#!/usr/bin/env python3
"""Files that are there but cannot be read: folders, links that lead nowhere, pipes and devices in their
place, empty files. Every command says so once, by name, with exit code 2, and waits for nothing.

unreadable_test.py PROGRAM [TEST ...]: PROGRAM is the built axolotl-hpc; each TEST is one CTest entry."""
import os
import shutil
import subprocess
import sys
import unittest

from training_case import ENVIRONMENT, MODEL, PROGRAM, TIME_FACTOR, TrainingCase

LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d7a" * 16 + b"\nsize 12345\n"

# What takes the place of a file. Permissions are not among them: a superuser reads everything.
KINDS = {"folder": lambda path: path.mkdir(),
         "link to nowhere": lambda path: path.symlink_to("/nowhere/at/all"),
         "link to itself": lambda path: path.symlink_to(path),
         "pipe": os.mkfifo,
         "device": lambda path: path.symlink_to("/dev/zero"),
         "empty": lambda path: path.write_bytes(b""),
         "Git LFS pointer": lambda path: path.write_bytes(LFS_POINTER),
         "HTML page": lambda path: path.write_bytes(b"<!DOCTYPE html>\n<html><head><title>404</title></head></html>"),
         "message of a hub": lambda path: path.write_bytes(b"Entry not found")}


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.is_symlink() or path.exists():
        path.unlink()


class Unreadable(TrainingCase):
    def setUp(self):
        super().setUp()
        self.model = self.folder / "model"
        shutil.copytree(MODEL, self.model)

    def check(self, path, *commands, kinds=tuple(KINDS), named=None):
        """Each command refuses each kind of `path`, naming it (or `named`)."""
        for kind in kinds:
            remove(path)
            KINDS[kind](path)
            for command in commands:
                with self.subTest(kind=kind, command=" ".join(map(str, command[:2]))):
                    shutil.rmtree(self.folder / "prepared", ignore_errors=True)
                    self.refuses(command, named or path.name)

    def refuses(self, command, named):
        done = subprocess.run([PROGRAM, *map(str, command)], env=ENVIRONMENT, text=True, errors="replace",
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=20 * TIME_FACTOR)
        text = done.stdout + done.stderr
        self.assertEqual(done.returncode, 2, text)
        self.assertEqual(text.count("error: "), 1, text)
        self.assertIn(named, text)
        self.assertNotIn("terminate called", text)

    def output(self, code, *command):
        done = self.run_program(0, *command, code=code)
        return done.stdout + done.stderr

    def config_of_model(self, **keys):
        return self.config(base_model=str(self.model), **keys)

    def trained(self, out="adapter", **keys):
        self.run_program(0, self.config_of_model(max_steps=1, output_dir=str(self.folder / out), **keys))
        return self.folder / out

    # ---- what a user writes --------------------------------------------------------------------
    def test_configuration(self):
        path = self.folder / "run.yaml"
        self.check(path, ["train", path], ["validate", path], ["plan", path], ["preprocess", path],
                   ["preview", path], ["merge", path], ["inference", path, "--prompt", "x"])

    def test_configuration_from_a_pipe(self):
        text = self.config(max_steps=1).read_text()
        done = subprocess.run(["bash", "-c", f'"{PROGRAM}" validate <(sleep 0.3; cat)'], input=text,
                              text=True, capture_output=True, timeout=100 * TIME_FACTOR)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_rows(self):
        for name in ["rows.jsonl", "rows.json", "rows.csv", "rows.parquet", "rows.arrow"]:
            path = self.folder / name
            config = self.config(datasets=[{"path": str(path), "type": "alpaca"}])
            self.check(path, ["preprocess", config])
        self.check(path, ["train", config], ["plan", config], ["preview", config], kinds=["pipe"])

    # ---- what stands in a file's place, and texts that are not UTF-8 -----------------------------
    def test_placeholders_say_what_they_are(self):
        for name in ["rows.txt", "rows.jsonl", "rows.csv", "rows.jsonl.gz", "rows.parquet"]:
            path = self.folder / name
            path.write_bytes(LFS_POINTER)
            config = self.config(datasets=[{"path": str(path), "type": "completion"}])
            done = self.output(2, "preprocess", config)
            self.assertIn("is a Git LFS pointer", done)
            self.assertIn("git lfs pull", done)
        # A text may be a page: only one that speaks of an error is none.
        page = b"<html><head><title>%s</title></head><body>some words of a text</body></html>\n"
        path = self.folder / "pages.txt"
        config = self.config(datasets=[{"path": str(path), "type": "completion"}])
        path.write_bytes(page % b"Recipes")
        self.output(0, "preprocess", config)
        path.write_bytes(page % b"Sign in to continue")
        self.assertIn("is an HTML page", self.output(2, "preprocess", config))

    def refuses_encoding(self, name, data, *expected, **keys):
        path = self.folder / name
        path.write_bytes(data)
        keys = {"type": "completion", **keys}
        config = self.config(datasets=[{"path": str(path), **keys}])
        done = self.output(2, "preprocess", config)
        for text in (str(path), *expected):
            self.assertIn(text, done)

    def test_encodings(self):
        rows = "text,note\nplain words,a\nna\u00efve caf\u00e9 \u201cquoted\u201d,b\n"
        self.refuses_encoding("a.csv", rows.encode("cp1252"), "a.csv:3", "byte 0xEF", "Windows-1252",
                              "iconv -f Windows-1252")
        text = "one line\nanother line with \u00fcml\u00e4uts\n"
        self.refuses_encoding("a.txt", text.encode("latin-1"), "a.txt:2:19", "byte 0xFC", "Latin-1")
        for encoding, name in (("utf-16", "UTF-16 (little-endian)"), ("utf-32", "UTF-32 (little-endian)")):
            self.refuses_encoding("b.txt", text.encode(encoding), name, "byte order mark")
            self.refuses_encoding("b.csv", rows.encode(encoding), name, "byte order mark")
            self.refuses_encoding("b.jsonl", '{"text": "x"}\n'.encode(encoding), name, "byte order mark")
        self.refuses_encoding("c.txt", b"\xfe\xff" + text.encode("utf-16-be"), "UTF-16 (big-endian)")
        self.refuses_encoding("d.txt", text.encode("utf-16-le"), "it looks like UTF-16")
        # One row of JSON lines is one row: counted and named, the others are trained.
        path = self.folder / "some.jsonl"
        path.write_bytes(b'{"text": "good words here"}\n{"text": "caf\xe9"}\n')
        config = self.config(datasets=[{"path": str(path), "type": "completion"}])
        done = self.output(0, "preprocess", config)
        self.assertIn("some.jsonl:2: not UTF-8: byte 0xE9 at column 14; it looks like Latin-1", done)
        # A mark of UTF-8 is no text.
        (self.folder / "marked.txt").write_bytes("some words\n".encode("utf-8-sig"))
        self.output(0, "preprocess", self.config(
            datasets=[{"path": str(self.folder / "marked.txt"), "type": "completion"}]))

    def test_configuration_of_another_encoding(self):
        path = self.folder / "run.yaml"
        path.write_bytes(b"base_model: x\n# caf\xe9\n")
        self.assertIn("run.yaml:2:6: not UTF-8", self.output(2, "validate", path))

    def test_chat_template_file(self):
        path = self.folder / "own.jinja"
        (self.folder / "rows.jsonl").write_text(
            '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n')
        config = self.config(chat_template="jinja", chat_template_jinja=str(path),
                             datasets=[{"path": str(self.folder / "rows.jsonl"), "type": "chat_template"}])
        self.check(path, ["preprocess", config])

    def test_output_and_cache_folders(self):
        kinds = [kind for kind in KINDS if kind != "folder"]
        self.check(self.folder / "out", ["train", self.config()], kinds=kinds)
        remove(self.folder / "out")
        config = self.config(dataset_prepared_path=str(self.folder / "cache"))
        self.check(self.folder / "cache", ["train", config], ["preprocess", config], kinds=kinds)

    # ---- models --------------------------------------------------------------------------------
    def commands_of_model(self, model):
        return [["train", self.config(base_model=str(model))], ["inference", model, "--prompt", "x"],
                ["export", model, self.folder / "exported.gguf"]]

    def test_model_files(self):
        adapter = self.trained()
        merge = ["merge", "--base", self.model, "--adapter", adapter, "-o", self.folder / "merged"]
        plan = ["plan", self.config_of_model()]
        for name in ["config.json", "model.safetensors"]:
            path = self.model / name
            whole = path.read_bytes()
            self.check(path, *self.commands_of_model(self.model), merge, plan,
                       named=str(self.model))
            remove(path)
            path.write_bytes(whole)
        self.check(self.model / "generation_config.json", ["train", self.config_of_model()])

    def test_shards(self):
        index = self.model / "model.safetensors.index.json"
        (self.model / "model.safetensors").rename(self.model / "shard.safetensors")
        self.check(index, ["train", self.config_of_model()])

    def test_gguf(self):
        path = self.folder / "model.gguf"
        self.check(path, ["tokenize", "--tokenizer", path], *self.commands_of_model(path)[:2],
                   ["export", path, self.folder / "exported"])

    def test_tokenizer_files(self):
        config = self.config_of_model()
        for name in ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
                     "chat_template.jinja"]:
            path = self.model / name
            whole = path.read_bytes() if path.exists() else None
            self.check(path, ["tokenize", "--tokenizer", self.model], ["preprocess", config],
                       ["inference", self.model, "--prompt", "x"])
            remove(path)
            if whole is not None:
                path.write_bytes(whole)
        self.check(self.model / "tokenizer.json", ["train", config],
                   ["export", self.model, self.folder / "exported.gguf"])

    def test_adapter_files(self):
        adapter = self.trained()
        merge = ["merge", "--base", self.model, "--adapter", adapter, "-o", self.folder / "merged"]
        ask = ["inference", self.model, "--adapter", adapter, "--prompt", "x"]
        train = ["train", self.config_of_model(lora_model_dir=str(adapter))]
        for name in ["adapter_config.json", "adapter_model.safetensors"]:
            whole = (adapter / name).read_bytes()
            self.check(adapter / name, merge, ask, train)
            remove(adapter / name)
            (adapter / name).write_bytes(whole)

    def test_checkpoint_files(self):
        checkpoint = self.trained(save_steps=1, save_strategy=None) / "checkpoint-1"
        train = ["train", self.config_of_model(resume_from_checkpoint=str(checkpoint))]
        for name in ["manifest.json", "trainer_state.h5", "adapter_model.safetensors"]:
            whole = (checkpoint / name).read_bytes()
            self.check(checkpoint / name, train)
            remove(checkpoint / name)
            (checkpoint / name).write_bytes(whole)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *(f"Unreadable.{name}" for name in sys.argv[2:])], verbosity=2)
