#!/usr/bin/env python3
"""What a run may go on from, what ends it with a checkpoint, and what it leaves for others to load.

resume_test.py PROGRAM [TEST ...]: PROGRAM is the built axolotl-hpc; each TEST is one CTest entry."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import unittest

from training_case import ENVIRONMENT, MODEL, PROGRAM, TIME_FACTOR, TrainingCase

FULL = {"adapter": None, "lora_r": None, "lora_alpha": None, "lora_target_linear": None}


class Run(TrainingCase):
    def stopped(self, **keys):
        """A run of two steps with a checkpoint, as configuration for two more."""
        base = dict(max_steps=2, save_steps=2, save_strategy=None) | keys
        self.run_program(0, self.config(**base))
        return base | dict(max_steps=4, resume_from_checkpoint=True)

    def copy_of_base(self, **changes):
        folder = self.folder / f"base{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        for file in MODEL.iterdir():
            if file.suffix != ".py":
                (folder / file.name).write_bytes(file.read_bytes())
        for name, change in changes.items():
            path = folder / f"{name}.json"
            known = json.loads(path.read_text()) if path.exists() else {}
            path.write_text(json.dumps(known | change))
        return folder

    def test_the_mean_loss_is_that_of_this_runs_steps(self):
        def told(done):
            return float(re.search(r"mean loss ([0-9.]+)", done.stdout + done.stderr)[1])

        keys = dict(max_steps=6, save_steps=4, save_strategy=None, logging_steps=1)
        whole = told(self.run_program(0, self.config(**keys)))
        losses = self.losses()
        self.assertAlmostEqual(whole, sum(losses) / 6, delta=6e-5)
        self.assertGreater(abs(whole - losses[-1]), 1e-3)
        shutil.rmtree(self.folder / "out/checkpoint-6")
        rest = told(self.run_program(0, self.config(resume_from_checkpoint=True, **keys)))
        self.assertAlmostEqual(rest, sum(losses[4:]) / 2, delta=6e-5)

    # ---- settings ------------------------------------------------------------------------------
    def test_what_changes_the_meaning_of_saved_numbers_is_refused(self):
        keys = self.stopped()
        for name, value, *said in [
                ("lora_alpha", 16, "lora_alpha was 8", "is 16"),
                ("peft_use_rslora", True, "peft_use_rslora was false and is true"),
                ("lora_alpha_pattern", {"q_proj": 1}, "lora_alpha_pattern was {} and is {\"q_proj\""),
                ("sample_packing", True, "sample_packing was false and is true"),
                ("sequence_len", 128, "sequence_len was 256 and is 128")]:
            with self.subTest(name):
                self.refused(self.config(**keys | {name: value}), *said, f"--allow-changed {name}")
        other = self.copy_of_base()
        data = bytearray((other / "model.safetensors").read_bytes())
        data[-4:] = b"\0\0\0\0"
        (other / "model.safetensors").write_bytes(data)
        self.refused(self.config(**keys | {"base_model": str(other)}), "base_model was", str(MODEL),
                     str(other), "--allow-changed base_model")

    def test_what_decides_which_numbers_there_are_is_refused_by_key(self):
        keys = self.stopped()
        for name, value, *said in [
                ("lora_r", 8, "lora_r was 4 and is 8 now"),
                ("lora_target_linear", False, "lora_target_modules was [", 'is ["q_proj"] now'),
                ("lora_modules_to_save", ["lm_head"], 'lora_modules_to_save was [] and is ["lm_head"]'),
                ("peft_use_dora", True, "peft_use_dora was false and is true"),
                ("peft_layers_to_transform", [0], "peft_layers_to_transform was [] and is [0]"),
                ("optimizer", "sgd", 'is "sgd" now')]:
            with self.subTest(name):
                given = keys | {name: value}
                if name == "lora_target_linear":
                    given["lora_target_modules"] = ["q_proj"]
                text = self.refused(self.config(**given), *said, "lora_model_dir: ")
                self.assertNotIn("--allow-changed", text)
        self.refused(self.config(**keys | FULL), 'adapter was "lora" and is "" now')

    def test_the_order_of_targets_says_nothing(self):
        targets = dict(lora_target_linear=None, lora_target_modules=["q_proj", "v_proj"])
        keys = self.stopped(**targets) | dict(lora_target_modules=["v_proj", "q_proj"])
        self.run_program(0, self.config(**keys))

    def test_another_packing_plan_is_refused(self):
        keys = self.stopped(sample_packing=True)
        for name, value in [("sample_packing_group_size", 4), ("sample_packing_bin_size", 2),
                            ("sample_packing_sequentially", True)]:
            self.refused(self.config(**keys | {name: value}), f"{name} was ", f"and is {value}".lower(),
                         f"--allow-changed {name}")

    def test_a_misspelt_allowance_is_refused(self):
        keys = self.stopped() | dict(lora_alpha=16, allow_changed=["lora_alhpa"])
        self.refused(self.config(**keys), "allow_changed: 'lora_alhpa' is no setting", "lora_alpha,")

    def test_what_is_allowed_to_change_goes_on_and_is_told(self):
        keys = self.stopped() | dict(lora_alpha=16)
        done = self.run_program(0, self.config(**keys), "--allow-changed", "lora_alpha")
        self.assertIn("lora_alpha was 8", done.stdout + done.stderr)
        self.assertEqual(len(self.losses()), 4)

    def test_the_same_base_elsewhere_is_the_same(self):
        self.run_program(0, self.config(**self.stopped() | {"base_model": str(self.copy_of_base())}))
        self.assertEqual(len(self.losses()), 4)

    def test_what_changes_the_path_is_a_notice(self):
        keys = self.stopped() | dict(lora_dropout=0.1, weight_decay=0.25, lr_scheduler="cosine")
        done = self.run_program(0, self.config(**keys))
        text = done.stdout + done.stderr
        for said in ["lora_dropout was 0.0 and is 0.1", "weight_decay was 0.0 and is 0.25",
                     'lr_scheduler was "constant" and is "cosine"']:
            self.assertIn(said, text)

    # ---- what is no checkpoint of ours -----------------------------------------------------------
    def test_folders_of_other_programs(self):
        for files, *said in [
                (["trainer_state.json", "optimizer.pt", "adapter_config.json"],
                 "Hugging Face", "lora_model_dir"),
                (["adapter_config.json", "adapter_model.safetensors"], "adapter", "lora_model_dir"),
                (["config.json", "model.safetensors"], "model", "base_model")]:
            folder = self.folder / f"foreign{len(list(self.folder.iterdir()))}"
            folder.mkdir()
            for name in files:
                (folder / name).write_text("{}")
            with self.subTest(files):
                self.refused(self.config(resume_from_checkpoint=str(folder)), *said)

    def test_true_without_a_checkpoint_is_refused(self):
        self.refused(self.config(resume_from_checkpoint=True), "resume_from_checkpoint", "checkpoint")

    def test_a_finished_run_started_again_says_so(self):
        keys = self.stopped() | dict(max_steps=2)
        before = self.adapter()
        done = self.run_program(0, self.config(**keys))
        self.assertNotIn("mean loss 0.0000", done.stdout + done.stderr)
        self.assertIn("nothing is left to train: all 2 steps are done", done.stdout + done.stderr)
        self.assertEqual(self.adapter(), before)

    def test_a_result_of_fewer_steps_is_not_the_runs(self):
        keys = self.stopped()
        short = self.adapter()
        self.run_program(0, self.config(**keys))
        whole, steps = self.adapter(), len(self.losses())
        self.assertNotEqual(short, whole)
        result = self.folder / "out/adapter_model.safetensors"
        for change in [lambda: result.write_bytes(short), result.unlink]:
            change()  # as a run leaves it that died before it wrote its result
            done = self.run_program(0, self.config(**keys))
            self.assertNotIn("0.0000", done.stdout + done.stderr)
            self.assertIn("has the result now", done.stdout + done.stderr)
            self.assertEqual(self.adapter(), whole)
            self.assertEqual(len(self.losses()), steps)

    def test_a_run_that_stopped_early_is_finished(self):
        keys = dict(max_steps=40, save_steps=1, eval_steps=1, save_strategy=None, val_set_size=0.2,
                    early_stopping_patience=2, learning_rate=0.5, save_total_limit=3)
        self.run_program(0, self.config(**keys))
        steps, before = len(self.losses()), self.adapter()
        self.assertLess(steps, 40)
        done = self.run_program(0, self.config(**keys, resume_from_checkpoint=True))
        self.assertIn("nothing is left to train: it stopped early", done.stdout + done.stderr)
        self.assertEqual((len(self.losses()), self.adapter()), (steps, before))

    # ---- signals ---------------------------------------------------------------------------------
    def test_signals_of_terminals_and_batch_systems_checkpoint(self):
        for one in [signal.SIGHUP, signal.SIGXCPU, signal.SIGUSR2]:
            out = one.name
            process = self.start(0, self.config(max_steps=100000, output_dir=str(self.folder / out)))
            self.wait_for_step(3, process, out)
            process.send_signal(one)
            output, _ = process.communicate(timeout=60 * TIME_FACTOR)
            self.assertEqual(process.returncode, 75, output)
            self.assertEqual(len(self.checkpoints(out)), 1)

    def test_what_was_ignored_stays_ignored(self):
        process = subprocess.Popen(["nohup", PROGRAM, self.config(max_steps=100000)], env=ENVIRONMENT,
                                   stdin=subprocess.DEVNULL, text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        self.wait_for_step(3, process)
        process.send_signal(signal.SIGHUP)
        steps = len(self.losses())
        self.wait_for_step(steps + 5, process)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60 * TIME_FACTOR)
        self.assertEqual(process.returncode, 75, output)

    # ---- paths and folders -------------------------------------------------------------------------
    def test_no_shell_reads_a_configuration(self):
        for name, value in [("output_dir", "~/out"), ("output_dir", "$SCRATCH/out"),
                            ("dataset_prepared_path", "${SCRATCH}/prepared"),
                            ("lora_model_dir", "~/adapter"), ("base_model", "$HOME/model")]:
            with self.subTest(value):
                self.refused(self.config(**{name: value}), name, value.split("/")[0],
                             "not expanded", ranks=0)
        self.assertFalse(os.path.exists("~"))

    def test_nothing_is_written_over_the_base(self):
        base = self.copy_of_base()
        self.refused(self.config(base_model=str(base), output_dir=str(base), **FULL), "output_dir",
                     "base model")
        self.refused(self.config(base_model=str(base), output_dir=f"{base}/../{base.name}/."),
                     "output_dir", "base model")
        self.assertEqual(sorted(p.name for p in base.iterdir()),
                         sorted(p.name for p in MODEL.iterdir() if p.suffix != ".py"))

    def test_a_trained_model_is_one_that_others_load(self):
        base = self.copy_of_base(
            config={"eos_token_id": 1, "custom_key": {"kept": True}},
            generation_config={"eos_token_id": [1, 5], "temperature": 0.6, "top_p": 0.9})
        (base / "chat_notes.txt").write_text("beside the model")
        (base / "optimizer.pt").write_text("not the model's")
        (base / "chat_templates").mkdir()
        (base / "chat_templates/tool.jinja").write_text("{{ 1 }}")
        self.run_program(2, self.config(base_model=str(base), max_steps=2, save_steps=2,
                                        save_strategy=None, **FULL))
        for out in [self.folder / "out", self.folder / "out/checkpoint-2"]:
            config = json.loads((out / "config.json").read_text())
            generation = json.loads((out / "generation_config.json").read_text())
            eos = config["eos_token_id"]
            self.assertEqual(config["custom_key"], {"kept": True})
            self.assertNotEqual(eos, 1)  # the tokenizer's, as transformers' Trainer has it
            self.assertEqual(generation["eos_token_id"], [eos, 1, 5])
            self.assertEqual((generation["temperature"], generation["top_p"]), (0.6, 0.9))
            self.assertTrue((out / "tokenizer.json").exists())
            self.assertEqual((out / "chat_notes.txt").read_text(), "beside the model")
            self.assertFalse((out / "optimizer.pt").exists())
        self.assertEqual((self.folder / "out/chat_templates/tool.jinja").read_text(), "{{ 1 }}")
        self.run_program(0, "inference", self.folder / "out", "--prompt", "a", "--max-new-tokens", "2",
                         "--raw")

    def test_another_tokenizers_files_come_with_it(self):
        base, other = self.copy_of_base(), self.copy_of_base()
        for folder in [base, other]:
            (folder / "merges.txt").write_text(folder.name)
            (folder / "LICENSE").write_text(folder.name)
        (other / "added_tokens.json").write_text("{}")
        self.run_program(0, self.config(base_model=str(base), tokenizer_config=str(other), max_steps=1,
                                        **FULL))
        out = self.folder / "out"
        self.assertEqual((out / "merges.txt").read_text(), other.name)
        self.assertEqual((out / "LICENSE").read_text(), base.name)
        self.assertFalse((out / "added_tokens.json").exists())

    def test_merged_and_exported_models_keep_what_is_beside_the_weights(self):
        base = self.copy_of_base(config={"eos_token_id": [5, 6], "pad_token_id": None})
        (base / "generation_config.json").unlink(missing_ok=True)
        for name in ["LICENSE", "preprocessor_config.json", "modeling_own.py"]:
            (base / name).write_text(name)
        for name in ["optimizer.pt", "pytorch_model.bin", "README.md"]:
            (base / name).write_text("no part of the model")
        self.run_program(0, self.config(base_model=str(base), max_steps=1))
        self.run_program(0, "merge", "--base", base, "--adapter", self.folder / "out",
                         "-o", self.folder / "merged")
        self.run_program(0, "export", base, self.folder / "exported")
        for out in [self.folder / "merged", self.folder / "exported"]:
            for name in ["LICENSE", "preprocessor_config.json", "modeling_own.py"]:
                self.assertEqual((out / name).read_text(), name)
            for name in ["optimizer.pt", "pytorch_model.bin", "README.md"]:
                self.assertFalse((out / name).exists(), name)
        where = base.rename(self.folder / "name.tmp")
        for target in [where, self.folder, f"{self.folder}/name", f"{self.folder}/name/",
                       self.folder / "out"]:
            done = self.run_program(0, "merge", "--base", where, "--adapter", self.folder / "out",
                                    "-o", target, "--overwrite", code=2)
            self.assertIn("would overwrite", done.stderr)
        config = json.loads((self.folder / "merged/config.json").read_text())
        generation = json.loads((self.folder / "merged/generation_config.json").read_text())
        self.assertEqual((config["eos_token_id"], generation["eos_token_id"]), (2, [2, 5, 6]))
        self.assertEqual(config["pad_token_id"], generation["pad_token_id"])
        config = json.loads((self.folder / "exported/config.json").read_text())
        self.assertEqual(config["eos_token_id"], [5, 6])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *(f"Run.{name}" for name in sys.argv[2:])], verbosity=2)
