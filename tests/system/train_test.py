#!/usr/bin/env python3
"""Whole runs of the real program on the tiny model of tests/fixtures, under mpirun.

train_test.py PROGRAM [TEST ...]: PROGRAM is the built axolotl-hpc; each TEST is one CTest entry."""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import unittest

from training_case import MODEL, PROGRAM, TrainingCase, rows


class Run(TrainingCase):
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
