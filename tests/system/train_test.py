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

from training_case import ENVIRONMENT, MODEL, PROGRAM, TIME_FACTOR, TrainingCase, rows


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

    def test_neftune_trains_with_noise_and_evaluates_without(self):
        keys = dict(val_set_size=0.25, eval_steps=6, sample_packing=True)
        for out, alpha in (("none", None), ("a", 5), ("b", 5)):
            self.run_program(2, self.config(output_dir=str(self.folder / out),
                                            neftune_noise_alpha=alpha, **keys))
        self.assertEqual(self.adapter("a"), self.adapter("b"))
        self.assertNotEqual(self.losses("a")[0], self.losses("none")[0])
        evals = {out: [m["eval_loss"] for m in self.metrics(out) if "eval_loss" in m]
                 for out in ("none", "a")}
        self.assertEqual(evals["a"][0], evals["none"][0])
        self.assertNotEqual(evals["a"][1], evals["none"][1])

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

    def test_goes_on_from_an_adapter_with_everything_on_it(self):
        """DoRA on the layers; token rows, or LoRA, at both ends of the model."""
        for name, keys in {"dora": {"peft_use_dora": True,
                                    "peft_trainable_token_indices": [97, 98]},
                           "ends": {"lora_target_modules": ["embed_tokens", "lm_head", "q_proj"],
                                    "lora_target_linear": None}}.items():
            out = self.folder / name
            self.run_program(2, self.config(f"{name}.yaml", max_steps=30, output_dir=str(out),
                                            **keys))
            losses = self.losses(name)
            self.assertLess(losses[-1], 0.6 * losses[0])
            more = f"{name}-more"
            self.run_program(1, self.config(f"{more}.yaml", lora_model_dir=str(out), max_steps=2,
                                            output_dir=str(self.folder / more), **keys))
            self.assertLess(self.losses(more)[0], 0.7 * losses[0])
            self.assert_merged_answers_alike(out)

    def test_an_expression_beside_all_linear_layers_has_no_effect(self):
        done = self.run_program(2, self.config(max_steps=2, lora_target_modules=r".*\.q_proj"))
        self.assertIn("has no effect beside lora_target_linear", done.stdout + done.stderr)
        with_both = self.adapter()
        self.run_program(2, self.config(max_steps=2, output_dir=str(self.folder / "alone")))
        self.assertEqual(with_both, self.adapter("alone"))

    def assert_merged_answers_alike(self, adapter, base=MODEL):
        """The adapter on its base and the two merged continue a text with the same words."""
        ask = ["--prompt", "what is the sky", "--max-new-tokens", "12", "--greedy", "--raw"]
        merged = self.folder / f"{adapter.name}-merged"
        self.run_program(0, "merge", "--base", base, "--adapter", adapter, "-o", merged)
        first = self.run_program(0, "inference", adapter, *ask).stdout
        self.assertEqual(self.run_program(0, "inference", merged, *ask).stdout, first)
        return merged

    def test_ranks_speak_when_asked_and_lines_can_be_objects(self):
        config = self.config(max_steps=1)
        done = self.run_program(2, config, "--log-format", "json")
        lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
        self.assertTrue(lines)
        self.assertEqual({line["rank"] for line in lines}, {0})
        self.assertTrue(all(line["level"] in ("info", "warning") and line["message"] for line in lines))
        shutil.rmtree(self.folder / "out")
        done = self.run_program(2, config, "--log-all-ranks")
        self.assertIn("[rank 0] ", done.stderr)
        self.assertIn("[rank 1] ", done.stderr)

    def test_added_tokens_get_rows(self):
        with_rows = {"tokens": ["<|sky|>", "<|sea|>"], "max_steps": 3}
        base = json.loads((MODEL / "config.json").read_text())["vocab_size"]
        for name, keys, rows in [
                ("saved", {"lora_modules_to_save": ["embed_tokens", "lm_head"]}, base + 2),
                ("frozen", {"resize_token_embeddings_to_32x": True}, (base + 2 + 31) // 32 * 32)]:
            out = self.folder / name
            done = self.run_program(2, self.config(f"{name}.yaml", output_dir=str(out),
                                                   **with_rows, **keys))
            self.assertIn("embedding rows are added", done.stderr + done.stdout)
            self.assertEqual("keep their starting values" in done.stderr + done.stdout,
                             name == "frozen")
            # another seed must not give the frozen rows other values
            more = self.folder / f"{name}-more"
            self.run_program(1, self.config("more.yaml", output_dir=str(more), seed=8,
                                            lora_model_dir=str(out), **with_rows | keys |
                                            {"max_steps": 1, "learning_rate": 1e-9}))
            ask = ["--prompt", "<|sea|> <|sky|>", "--max-new-tokens", "8", "--greedy", "--raw"]
            self.assertEqual(self.run_program(0, "inference", more, *ask).stdout,
                             self.run_program(0, "inference", out, *ask).stdout)
            merged = self.assert_merged_answers_alike(out)
            self.assertEqual(json.loads((merged / "config.json").read_text())["vocab_size"], rows)
            added = json.loads((merged / "tokenizer.json").read_text())["added_tokens"]
            self.assertIn(("<|sea|>", base + 1), [(t["content"], t["id"]) for t in added])
        full = self.folder / "full"
        self.run_program(1, self.config("full.yaml", output_dir=str(full), adapter=None,
                                        lora_r=None, lora_alpha=None, lora_target_linear=None,
                                        mean_resizing_embeddings=True, **with_rows))
        self.run_program(0, "inference", full, "--prompt", "a", "--max-new-tokens", "2", "--raw")

    # ---- numbers that are none -----------------------------------------------------------------
    def diverges(self, *expected, ranks=2, **keys):
        """Ends with one message and code 1; the folder keeps what it held."""
        out = self.folder / "out"
        out.mkdir(exist_ok=True)
        (out / "adapter_model.safetensors").write_text("of an earlier run")
        text = self.refused(self.config(**keys), *expected, "not finite", "hint: ", code=1, ranks=ranks)
        self.assertEqual((out / "adapter_model.safetensors").read_text(), "of an earlier run")
        return text

    def test_weights_that_are_no_numbers(self):
        copy = self.copy_model()
        data = bytearray((copy / "model.safetensors").read_bytes())
        data[-4:] = b"\xff\xff\xff\xff"  # a NaN, in f32 and in bf16
        (copy / "model.safetensors").write_bytes(data)
        self.refused(self.config(base_model=str(copy)), "model.safetensors", "tensor '", "the value is",
                     "nan")

    def test_a_loss_that_diverges(self):
        # The first update is finite, what the model makes of it is not.
        keys = dict(learning_rate=1000, lora_alpha=10 ** 18, max_grad_norm=0, max_steps=4,
                    save_steps=1, save_strategy=None)
        self.diverges("step 2: the loss", "learning_rate", **keys)
        self.assertEqual(self.checkpoints(), ["checkpoint-1"])
        shutil.rmtree(self.folder / "out")
        self.diverges("step 1: the evaluation loss", "learning_rate", val_set_size=0.2, eval_steps=1,
                      **keys)
        self.assertEqual(self.checkpoints(), [])

    def test_an_update_that_overflows(self):
        keys = dict(learning_rate=1000, loraplus_lr_ratio=1e37)
        for more in [dict(max_steps=4, save_steps=1, save_strategy=None), dict(max_steps=1)]:
            self.diverges("step 1: the result of the update", "lora_B", ranks=0, **keys, **more)
        self.assertEqual(self.checkpoints(), [])

    def test_gradients_that_vanish(self):
        done = self.run_program(0, self.config(max_steps=4, learning_rate=1000, lora_alpha=10 ** 12,
                                               max_grad_norm=0))
        self.assertEqual(done.stderr.count("gradient is exactly zero"), 1, done.stderr)

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

    def test_checkpoints_that_a_run_starts_from(self):
        full = dict(adapter=None, lora_r=None, lora_alpha=None, lora_target_linear=None)
        keys = dict(max_steps=1, save_steps=1, save_strategy=None)
        self.run_program(0, self.config(**keys, **full, output_dir=str(self.folder / "full")))
        self.run_program(0, self.config(**keys))
        (self.folder / "link").symlink_to(self.folder / "out")
        keys |= dict(max_steps=4, save_total_limit=1)
        for folder, given in [("full", full | dict(tokenizer_config=str(MODEL),
                                                  base_model="full/checkpoint-1")),
                              ("out", dict(lora_model_dir="out/checkpoint-1")),
                              ("out", dict(lora_model_dir="link/checkpoint-1/"))]:
            key, path = list(given.items())[-1]
            given = given | {key: str(self.folder / path)}
            before = {p: p.read_bytes() for p in (self.folder / folder).rglob("*") if p.is_file()}
            config = self.config(**keys, output_dir=str(self.folder / folder), **given)
            for ranks in [0, 2]:
                self.refused(config, f"{key}: ", "is among the checkpoints of output_dir",
                             "give output_dir another folder", ranks=ranks)
            after = {p: p.read_bytes() for p in (self.folder / folder).rglob("*") if p.is_file()}
            self.assertEqual(before, after)
            self.run_program(0, self.config(**keys, output_dir=str(self.folder / "next"), **given))

    def test_sigterm_checkpoints_and_resumes(self):
        keys = dict(max_steps=4000, learning_rate=0.001)
        process = self.start(0, self.config(**keys))
        self.wait_for_step(5, process)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60 * TIME_FACTOR)
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

    def ranks_of_run(self):
        found = subprocess.run(["pgrep", "-f", f"^{PROGRAM} {self.folder}"], text=True,
                               capture_output=True).stdout.split()
        self.assertEqual(len(found), 2)
        return [int(pid) for pid in found]

    def test_usr1_under_mpirun(self):
        process = self.start(2, self.config(max_steps=100000))
        self.wait_for_step(5, process)
        os.kill(self.ranks_of_run()[1], signal.SIGUSR1)
        output, _ = process.communicate(timeout=60 * TIME_FACTOR)
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
        process.communicate(timeout=60 * TIME_FACTOR)
        self.assertIn(process.returncode, (130, 75))

    def test_sigterm_during_an_evaluation(self):
        (self.folder / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows(1600)))
        process = self.start(2, self.config(max_steps=100000, val_set_size=1500, eval_steps=1))
        self.wait_for_step(1, process)  # evaluates almost all the time: now for the second time
        os.kill(self.ranks_of_run()[1], signal.SIGTERM)
        output, _ = process.communicate(timeout=100 * TIME_FACTOR)
        self.assertEqual(process.returncode, 75, output)
        self.assertIn("evaluation is left unfinished", output)
        self.assertEqual(len(self.checkpoints()), 1)
        evaluated = [m["step"] for m in self.metrics() if "eval_loss" in m]
        self.assertEqual(evaluated, list(range(len(self.losses()))))

    def test_signals_during_saves_then_resumed(self):
        keys = dict(save_steps=1, save_strategy=None, auto_resume_from_checkpoints=True,
                    max_steps=100000, learning_rate=0.001)
        rng = random.Random(2)
        for signals in [[signal.SIGTERM], [signal.SIGUSR1], [signal.SIGINT, signal.SIGINT]] * 2:
            done = len(self.losses()) if (self.folder / "out").exists() else 0
            process = self.start(0, self.config(**keys))
            self.wait_for_step(done + 2, process)
            time.sleep(rng.random() / 20)
            for one in signals:
                process.send_signal(one)
            output, _ = process.communicate(timeout=60 * TIME_FACTOR)
            self.assertIn(process.returncode, [75, 130] if len(signals) > 1 else [75], output)
        # Ctrl-C twice, in the middle of a save, leaves what it had written: checkpoint-N.tmp.
        end = max(int(c.split("-")[1]) for c in self.checkpoints() if not c.endswith(".tmp")) + 2
        self.run_program(0, self.config(**keys | {"max_steps": end}))
        self.run_program(0, self.config(**keys | {"max_steps": end, "save_strategy": "no",
                                                  "save_steps": None,
                                                  "output_dir": str(self.folder / "whole")}))
        self.assertEqual(self.adapter(), self.adapter("whole"))
        self.assertEqual(self.losses(), self.losses("whole"))

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

    @unittest.skipIf(TIME_FACTOR > 1, "a sanitizer reserves more address space than the limit")
    def test_a_rank_without_memory_ends_the_set_up(self):
        (self.folder / "long.jsonl").write_text(json.dumps({"text": "the sky is red and the sea is green " * 24000}))
        config = self.config(datasets=[{"path": str(self.folder / "long.jsonl"), "type": "completion"}],
                             sequence_len=400000, max_steps=1)
        limited = 'test "$OMPI_COMM_WORLD_RANK" != 1 || ulimit -v 1000000; exec "$@"'
        launcher = self.command(2)[:-1]
        done = subprocess.run([*launcher, "sh", "-c", limited, "sh", PROGRAM, str(config)], env=ENVIRONMENT,
                              text=True, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("rank 1, setting up: out of memory: cannot reserve", done.stderr)

    def test_a_killed_rank_ends_the_job(self):
        process = self.start(2, self.config(max_steps=100000))
        self.wait_for_step(3, process)
        os.kill(self.ranks_of_run()[0], signal.SIGKILL)
        process.communicate(timeout=20 * TIME_FACTOR)
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

    def test_folders_that_are_files(self):
        taken = str(self.folder / "rows.jsonl")
        self.refused(self.config(output_dir=taken), "output_dir")
        self.refused(self.config(dataset_prepared_path=taken), "rows.jsonl")

    def test_one_run_an_output_folder(self):
        first = subprocess.Popen(self.command(0, self.config(max_steps=100000)), env=ENVIRONMENT,
                                 stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            while not (self.folder / "out/metrics.jsonl").exists():
                self.assertIsNone(first.poll())
                time.sleep(0.05)
            self.refused(self.config("second.yaml"), "another run")
        finally:
            first.kill()
            first.wait()
        self.run_program(0, self.config("second.yaml", max_steps=1))

    def test_a_damaged_checkpoint(self):
        self.run_program(1, self.config(max_steps=2, save_steps=2, save_strategy=None))
        state = self.folder / "out/checkpoint-2/trainer_state.h5"
        state.write_bytes(state.read_bytes()[:-100])
        self.refused(self.config(resume_from_checkpoint=str(state.parent)), "trainer_state.h5")

    def test_weights_that_do_not_fit_the_config(self):
        copy = self.copy_model()
        config = json.loads((copy / "config.json").read_text())
        config["intermediate_size"] = 96
        (copy / "config.json").write_text(json.dumps(config))
        self.refused(self.config(base_model=str(copy)), "proj")

    def test_wrong_vocabulary(self):
        copy = self.copy_model()
        tokenizer = json.loads((copy / "tokenizer.json").read_text())
        tokenizer["model"]["vocab"]["one-more"] = max(tokenizer["model"]["vocab"].values()) + 9
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
            for size in [8, 44, 92, 152, 212, 260]:  # what is being written when it is full
                subprocess.run(["mount", "-o", f"remount,size={size}k", str(mount)], check=True)
                for ranks in [0, 2]:
                    text = self.refused(self.config(output_dir=str(mount / "out"), save_steps=1,
                                                    save_strategy=None, max_steps=3), code=1,
                                        ranks=ranks)
                    self.assertIn("space", text)
                    shutil.rmtree(mount / "out")
        finally:
            subprocess.run(["umount", "-l", str(mount)], check=False)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *(f"Run.{name}" for name in sys.argv[2:])], verbosity=2)
