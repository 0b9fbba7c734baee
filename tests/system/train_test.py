#!/usr/bin/env python3
"""Whole runs of the real program on the tiny model of tests/fixtures, under mpirun.

train_test.py PROGRAM [TEST ...]: PROGRAM is the built axolotl-hpc; each TEST is one CTest entry."""
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "tests/fixtures/tiny_llama"
PROGRAM = sys.argv[1] if len(sys.argv) > 1 else ""
COLOURS = ["red", "green", "blue"]
ENVIRONMENT = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                            "OMP_NUM_THREADS": "1"}


def rows(count=48, seed=3):
    rng = random.Random(seed)
    things = ["sky", "sea", "sun"]
    out = []
    for i in range(count):
        thing = things[i % 3]
        out.append({"instruction": f"what is the {thing}" + " now" * rng.randrange(4),
                    "output": f"the {thing} is {COLOURS[i % 3]}"})
    return out


class Run(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="axl-system-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        (self.folder / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows()))

    def config(self, name="run.yaml", **keys):
        base = {"base_model": str(MODEL), "datasets": [{"path": str(self.folder / "rows.jsonl"),
                                                        "type": "alpaca"}],
                "dataset_prepared_path": str(self.folder / "prepared"),
                "output_dir": str(self.folder / "out"), "sequence_len": 256, "adapter": "lora",
                "lora_r": 4, "lora_alpha": 8, "lora_target_linear": True, "micro_batch_size": 2,
                "gradient_accumulation_steps": 1, "max_steps": 6, "num_epochs": 100,
                "learning_rate": 0.01, "lr_scheduler": "constant", "warmup_steps": 0,
                "optimizer": "adamw_torch", "logging_steps": 1, "bf16": False, "seed": 7,
                "save_strategy": "no"}
        base |= keys
        path = self.folder / name
        path.write_text(json.dumps({k: v for k, v in base.items() if v is not None}, indent=1))
        return path

    def command(self, ranks, *args):
        launcher = ([] if ranks == 0 else
                    ["mpirun", "-np", str(ranks), "--oversubscribe", "--bind-to", "none"])
        return [*launcher, PROGRAM, *map(str, args)]

    def run_program(self, ranks, *args, code=0, timeout=110):
        done = subprocess.run(self.command(ranks, *args), env=ENVIRONMENT, text=True,
                              capture_output=True, timeout=timeout)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def metrics(self, out="out"):
        return [json.loads(line) for line in (self.folder / out / "metrics.jsonl").open()]

    def losses(self, out="out"):
        return [m["loss"] for m in self.metrics(out) if "loss" in m]

    def adapter(self, out="out"):
        return (self.folder / out / "adapter_model.safetensors").read_bytes()

    def assert_close(self, a, b, relative):
        self.assertEqual(len(a), len(b))
        for x, y in zip(a, b):
            self.assertLess(abs(x - y), relative * abs(y), (a, b))

    # ---- training ------------------------------------------------------------------------------
    def test_lora_learns(self):
        self.run_program(1, self.config(max_steps=40))
        losses = self.losses()
        self.assertLess(losses[-1], 0.5 * losses[0])
        names = os.listdir(self.folder / "out")
        for name in ("adapter_config.json", "adapter_model.safetensors", "metrics.jsonl",
                     "report.html", "loss.svg", "tokenizer.json"):
            self.assertIn(name, names)
        line = self.metrics()[0]
        for key in ("step", "epoch", "loss", "grad_norm", "learning_rate", "label_tokens",
                    "tokens_per_second", "memory_bytes", "seconds"):
            self.assertIn(key, line)

    def test_runs_without_mpirun(self):
        self.run_program(0, self.config(max_steps=2))

    def test_full_fine_tune_learns_and_saves_a_model(self):
        self.run_program(1, self.config(adapter=None, lora_r=None, lora_alpha=None,
                                        lora_target_linear=None, learning_rate=0.003, max_steps=30))
        losses = self.losses()
        self.assertLess(losses[-1], 0.5 * losses[0])
        for name in ("model.safetensors", "config.json", "tokenizer.json"):
            self.assertTrue((self.folder / "out" / name).exists(), name)
        # the saved model is one that we can go on from
        self.run_program(1, self.config("again.yaml", base_model=str(self.folder / "out"),
                                        output_dir=str(self.folder / "out2"), max_steps=1))
        self.assertLess(self.losses("out2")[0], 0.6 * losses[0])

    def test_bf16_follows_f32(self):
        self.run_program(1, self.config(max_steps=10))
        self.run_program(1, self.config("b.yaml", bf16=True, max_steps=10,
                                        output_dir=str(self.folder / "b")))
        self.assert_close(self.losses("b"), self.losses(), 0.05)

    def test_gradient_checkpointing_changes_no_bit(self):
        self.run_program(1, self.config())
        self.run_program(1, self.config("c.yaml", gradient_checkpointing=True,
                                        output_dir=str(self.folder / "c")))
        self.assertEqual(self.adapter(), self.adapter("c"))

    def test_same_seed_same_bits(self):
        for out in ("a", "b"):
            self.run_program(2, self.config(output_dir=str(self.folder / out), lora_dropout=0.1,
                                            sample_packing=True))
        self.assertEqual(self.adapter("a"), self.adapter("b"))
        self.assertEqual(self.losses("a"), self.losses("b"))

    def test_split_does_not_change_the_loss(self):
        layouts = {"one": (1, 4), "two": (2, 2), "four": (4, 1)}
        for out, (ranks, accumulation) in layouts.items():
            self.run_program(ranks, self.config(output_dir=str(self.folder / out),
                                                gradient_accumulation_steps=accumulation))
        self.assert_close(self.losses("two"), self.losses("one"), 1e-5)
        self.assert_close(self.losses("four"), self.losses("one"), 1e-5)
        labels = [[m["label_tokens"] for m in self.metrics(out) if "loss" in m] for out in layouts]
        self.assertEqual(labels[0], labels[1])
        self.assertEqual(labels[0], labels[2])

    def test_evaluation_and_packing(self):
        self.run_program(2, self.config(val_set_size=0.25, eval_steps=3, sample_packing=True,
                                        max_steps=12))
        evals = [m["eval_loss"] for m in self.metrics() if "eval_loss" in m]
        self.assertGreaterEqual(len(evals), 4)
        self.assertLess(evals[-1], evals[0])

    def test_chat_and_completion(self):
        (self.folder / "chat.jsonl").write_text("".join(json.dumps(
            {"messages": [{"role": "user", "content": r["instruction"]},
                          {"role": "assistant", "content": r["output"]}]}) + "\n" for r in rows()))
        (self.folder / "text.jsonl").write_text("".join(json.dumps(
            {"text": r["instruction"] + " " + r["output"]}) + "\n" for r in rows()))
        self.run_program(1, self.config(datasets=[
            {"path": str(self.folder / "chat.jsonl"), "type": "chat_template"},
            {"path": str(self.folder / "text.jsonl"), "type": "completion"}], max_steps=4))

    def test_goes_on_from_an_adapter(self):
        self.run_program(1, self.config(max_steps=30))
        first = self.losses()
        self.run_program(1, self.config("more.yaml", lora_model_dir=str(self.folder / "out"),
                                        output_dir=str(self.folder / "more"), max_steps=2))
        self.assertLess(self.losses("more")[0], 0.7 * first[0])

    # ---- checkpoints ---------------------------------------------------------------------------
    def checkpoints(self, out="out"):
        folder = self.folder / out
        return sorted(p.name for p in folder.glob("checkpoint-*")) if folder.exists() else []

    def test_resume_is_bit_equal(self):
        self.run_program(2, self.config(max_steps=8, save_steps=4, save_strategy=None,
                                        lora_dropout=0.1, output_dir=str(self.folder / "whole")))
        self.run_program(2, self.config(max_steps=8, save_steps=4, save_strategy=None,
                                        lora_dropout=0.1, output_dir=str(self.folder / "out")))
        shutil.rmtree(self.folder / "out/checkpoint-8")
        (self.folder / "out/adapter_model.safetensors").unlink()
        self.run_program(2, self.config(max_steps=8, save_steps=4, save_strategy=None,
                                        lora_dropout=0.1, auto_resume_from_checkpoints=True))
        self.assertEqual(self.adapter(), self.adapter("whole"))
        self.assertEqual(self.losses(), self.losses("whole"))

    def test_save_total_limit(self):
        self.run_program(1, self.config(max_steps=6, save_steps=1, save_strategy=None,
                                        save_total_limit=2))
        self.assertEqual(self.checkpoints(), ["checkpoint-5", "checkpoint-6"])

    def start(self, ranks, config):
        return subprocess.Popen(self.command(ranks, config), env=ENVIRONMENT, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                start_new_session=True)

    def wait_for_step(self, step, process, out="out"):
        for _ in range(1000):
            path = self.folder / out / "metrics.jsonl"
            if path.exists() and path.read_text().count('"loss"') >= step:
                return
            if process.poll() is not None:
                self.fail(process.communicate()[0])
            time.sleep(0.05)
        process.kill()
        self.fail("no progress")

    def test_sigterm_checkpoints_and_resumes(self):
        keys = dict(max_steps=4000, learning_rate=0.001)
        process = self.start(0, self.config(**keys))
        self.wait_for_step(5, process)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 75, output)
        saved = self.checkpoints()
        self.assertEqual(len(saved), 1)
        done = int(saved[0].split("-")[1])
        self.run_program(0, self.config(max_steps=done + 2, learning_rate=0.001,
                                        auto_resume_from_checkpoints=True))
        resumed = self.losses()
        self.assertEqual(len(resumed), done + 2)
        self.run_program(0, self.config(max_steps=done + 2, learning_rate=0.001,
                                        output_dir=str(self.folder / "whole")))
        self.assertEqual(resumed, self.losses("whole"))
        self.assertEqual(self.adapter(), self.adapter("whole"))

    def test_usr1_under_mpirun(self):
        process = self.start(2, self.config(max_steps=100000))
        self.wait_for_step(5, process)
        ranks = subprocess.run(["pgrep", "-f", f"^{PROGRAM} {self.folder}"], text=True,
                               capture_output=True).stdout.split()
        self.assertEqual(len(ranks), 2)
        os.kill(int(ranks[1]), signal.SIGUSR1)
        output, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 75, output)
        self.assertEqual(len(self.checkpoints()), 1)

    def test_interrupt_twice_quits_at_once(self):
        process = self.start(0, self.config(max_steps=100000))
        self.wait_for_step(3, process)
        process.send_signal(signal.SIGSTOP)  # both arrive before the next step looks
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertIn(process.returncode, (130, 75))

    def test_killed_during_saves_then_resumed(self):
        keys = dict(save_steps=1, save_strategy=None, auto_resume_from_checkpoints=True,
                    max_steps=60, learning_rate=0.001)
        rng = random.Random(1)
        for _ in range(6):
            process = self.start(2, self.config(**keys))
            time.sleep(0.7 + rng.random())
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            subprocess.run(["pkill", "-9", "-f", f"^{PROGRAM} {self.folder}"], check=False)
        self.run_program(2, self.config(**keys))
        self.run_program(2, self.config(**(keys | {"output_dir": str(self.folder / "whole"),
                                                   "save_strategy": "no", "save_steps": None})))
        self.assertEqual(self.adapter(), self.adapter("whole"))

    def test_a_killed_rank_ends_the_job(self):
        process = self.start(2, self.config(max_steps=100000))
        self.wait_for_step(3, process)
        ranks = subprocess.run(["pgrep", "-f", f"^{PROGRAM} {self.folder}"], text=True,
                               capture_output=True).stdout.split()
        os.kill(int(ranks[0]), signal.SIGKILL)
        process.communicate(timeout=20)
        self.assertNotEqual(process.returncode, 0)

    # ---- input that is wrong -------------------------------------------------------------------
    def refused(self, config, *expected, code=2, ranks=2):
        done = self.run_program(ranks, config, code=code)
        text = done.stdout + done.stderr
        self.assertEqual(text.count("error: "), 1, text)
        for part in expected:
            self.assertIn(part, text)
        self.assertNotIn("terminate called", text)
        return text

    def test_missing_configuration(self):
        self.refused(self.folder / "nothing.yaml", "nothing.yaml")

    def test_bad_yaml(self):
        path = self.folder / "bad.yaml"
        path.write_text("base_model: [a\nx: 1\n")
        self.refused(path, "bad.yaml:")

    def test_wrong_types(self):
        self.refused(self.config(micro_batch_size="many"), "micro_batch_size", "many")

    def test_huge_values(self):
        self.refused(self.config(sequence_len=10 ** 15), "sequence_len")

    def test_missing_data(self):
        self.refused(self.config(datasets=[{"path": "/nowhere/x.jsonl", "type": "alpaca"}]),
                     "/nowhere/x.jsonl")

    def copy_model(self):
        copy = self.folder / "model"
        shutil.copytree(MODEL, copy)
        return copy

    def test_truncated_weights(self):
        copy = self.copy_model()
        data = (copy / "model.safetensors").read_bytes()
        (copy / "model.safetensors").write_bytes(data[:len(data) // 2])
        self.refused(self.config(base_model=str(copy)), "model.safetensors")

    def test_weights_that_do_not_fit_the_config(self):
        copy = self.copy_model()
        config = json.loads((copy / "config.json").read_text())
        config["intermediate_size"] = 96
        (copy / "config.json").write_text(json.dumps(config))
        self.refused(self.config(base_model=str(copy)), "proj")

    def test_wrong_vocabulary(self):
        copy = self.copy_model()
        tokenizer = json.loads((copy / "tokenizer.json").read_text())
        tokenizer["added_tokens"].append(tokenizer["added_tokens"][0] | {
            "id": len(tokenizer["model"]["vocab"]) + 7, "content": "<|new|>"})
        (copy / "tokenizer.json").write_text(json.dumps(tokenizer))
        self.refused(self.config(base_model=str(copy)), "tokenizer")

    def test_no_rows(self):
        (self.folder / "rows.jsonl").write_text("")
        self.refused(self.config(), "rows")

    def test_unsupported_architecture(self):
        copy = self.copy_model()
        config = json.loads((copy / "config.json").read_text())
        config["architectures"] = ["BertModel"]
        (copy / "config.json").write_text(json.dumps(config))
        self.refused(self.config(base_model=str(copy)), "BertModel", "LlamaForCausalLM")

    def test_full_disk(self):
        mount = self.folder / "small"
        mount.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", str(mount)],
                          capture_output=True).returncode != 0:
            self.skipTest("a tmpfs cannot be mounted here")
        try:
            text = self.refused(self.config(output_dir=str(mount / "out"), save_steps=1,
                                            save_strategy=None, max_steps=20), code=1)
            self.assertIn("space", text)
        finally:
            subprocess.run(["umount", "-l", str(mount)], check=False)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *(f"Run.{name}" for name in sys.argv[2:])], verbosity=2)
