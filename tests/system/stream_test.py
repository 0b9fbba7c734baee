#!/usr/bin/env python3
"""Training on rows that are read while training goes on: files, pipes, several ranks, resuming.

stream_test.py PROGRAM [TEST ...]: PROGRAM is the built axolotl-hpc; each TEST is one CTest entry."""
import gzip
import json
import os
import shutil
import subprocess
import sys
import threading
import unittest

from training_case import ENVIRONMENT, PROGRAM, TIME_FACTOR, TrainingCase, rows


class Stream(TrainingCase):
    def stream(self, name="run.yaml", out="out", **keys):
        """A configuration whose windows are small, so that a run goes through several of them."""
        base = dict(streaming=True, streaming_multipack_buffer_size=10, sample_packing=True,
                    gradient_accumulation_steps=2, max_steps=6, lora_dropout=0.1,
                    output_dir=str(self.folder / out))
        return self.config(name, **(base | keys))

    def label_tokens(self, out="out"):
        return [m["label_tokens"] for m in self.metrics(out) if "loss" in m]

    # ---- training ------------------------------------------------------------------------------
    def test_learns_on_one_and_two_ranks(self):
        for ranks in (1, 2):
            out = f"out{ranks}"
            self.run_program(ranks, self.stream(out=out, max_steps=25))
            losses = self.losses(out)
            self.assertLess(losses[-1], 0.5 * losses[0])
            self.assertEqual(self.metrics(out)[-1]["epoch"], 1.0)
            for name in ("adapter_model.safetensors", "report.html", "loss.svg"):
                self.assertTrue((self.folder / out / name).exists(), name)

    def test_a_window_of_all_rows_trains_as_prepared_rows_do(self):
        """Unpacked, in file order, one window: both ways of reading give the same batches."""
        keys = dict(shuffle_merged_datasets=False, curriculum_sampling=True, sample_packing=False,
                    streaming_multipack_buffer_size=48)
        self.run_program(1, self.stream(out="stream", **keys))
        self.run_program(1, self.stream("prepared.yaml", out="prepared", streaming=False, **keys))
        self.assertEqual(self.losses("stream"), self.losses("prepared"))
        self.assertEqual(self.adapter("stream"), self.adapter("prepared"))

    def test_loss_is_the_mean_over_the_labels_of_all_ranks(self):
        """The first step of two ranks: the mean of both ranks' losses, weighted by their labels."""
        keys = dict(max_steps=1, sample_packing=False, shuffle_merged_datasets=False,
                    gradient_accumulation_steps=1, lora_dropout=0.0)
        long = {"instruction": "what is it", "output": "red " * 30}
        short = {"instruction": "what is it", "output": "sky"}
        sums = labels = 0
        for name, one in (("a", long), ("b", short)):
            (self.folder / "rows.jsonl").write_text((json.dumps(one) + "\n") * 8)
            self.run_program(1, self.stream(out=name, **keys))
            sums += self.losses(name)[0] * self.label_tokens(name)[0]
            labels += self.label_tokens(name)[0]
        # Ranks take turns with the rows.
        (self.folder / "rows.jsonl").write_text((json.dumps(long) + "\n" + json.dumps(short) + "\n") * 8)
        self.run_program(2, self.stream(out="both", **keys))
        self.assertEqual(self.label_tokens("both"), [labels])
        self.assert_close(self.losses("both"), [sums / labels], 1e-5)

    def test_pretraining_dataset(self):
        (self.folder / "text.jsonl").write_text("".join(json.dumps(
            {"body": (r["instruction"] + " " + r["output"] + " ") * 20}) + "\n" for r in rows()))
        self.run_program(2, self.stream(datasets=None, max_steps=3, pretraining_dataset=[
            {"path": str(self.folder / "text.jsonl"), "text_column": "body", "type": "pretrain"}]))
        self.assertEqual(len(self.losses()), 3)

    def test_evaluates_on_test_datasets(self):
        (self.folder / "test.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows(12, 5)))
        config = self.stream(test_datasets=[{"path": str(self.folder / "test.jsonl"),
                                             "type": "alpaca"}], eval_steps=5, max_steps=20)
        self.run_program(2, config)
        evals = [m["eval_loss"] for m in self.metrics() if "eval_loss" in m]
        self.assertGreaterEqual(len(evals), 4)
        self.assertLess(evals[-1], evals[0])
        self.refused(self.stream(val_set_size=0.1), "val_set_size", "test_datasets")

    # ---- going on ------------------------------------------------------------------------------
    def resume_on(self, ranks, **keys):
        keys |= dict(save_steps=3, save_strategy=None)
        self.run_program(ranks, self.stream(out="whole", **keys))
        self.run_program(ranks, self.stream(**keys))
        shutil.rmtree(self.folder / "out/checkpoint-6")
        (self.folder / "out/adapter_model.safetensors").unlink()
        self.run_program(ranks, self.stream(auto_resume_from_checkpoints=True, **keys))
        self.assertEqual(self.losses(), self.losses("whole"))
        self.assertEqual(self.adapter(), self.adapter("whole"))

    def test_resume_is_bit_equal_on_one_rank(self):
        self.resume_on(1)

    def test_resume_is_bit_equal_on_two_ranks(self):
        self.resume_on(2)

    def test_resume_is_bit_equal_unpacked(self):
        self.resume_on(2, sample_packing=False, streaming_multipack_buffer_size=7)

    def test_resume_on_another_number_of_ranks_says_so(self):
        self.run_program(2, self.stream(save_steps=3, save_strategy=None, max_steps=3))
        done = self.run_program(1, self.stream(auto_resume_from_checkpoints=True))
        self.assertIn("was read by 2 ranks", done.stderr)
        self.assertEqual(len(self.losses()), 6)

    def test_a_prepared_run_is_not_gone_on_with_as_a_stream(self):
        self.run_program(1, self.stream(streaming=False, save_steps=3, save_strategy=None))
        self.refused(self.stream(max_steps=9, auto_resume_from_checkpoints=True),
                     "not written by a run on a stream")

    # ---- rows that end or cannot be read ---------------------------------------------------------
    def pipe(self):
        path = self.folder / "pipe.jsonl"
        os.mkfifo(path)
        return [{"path": str(path), "type": "alpaca"}]

    def run_with_pipe(self, config, count=48, **more):
        """A run while another thread writes so many rows to the pipe, once."""
        text = "".join(json.dumps(r) + "\n" for r in rows(count))

        def write():
            try:
                (self.folder / "pipe.jsonl").write_text(text)
            except OSError:
                pass  # the run ended before it had read everything
        writer = threading.Thread(target=write)
        writer.start()
        done = self.run_program(1, config, **more)
        writer.join(timeout=20 * TIME_FACTOR)
        self.assertFalse(writer.is_alive())
        return done

    def test_a_pipe_trains_and_ends(self):
        keys = dict(datasets=self.pipe(), sample_packing=False, lora_dropout=0.0,
                    gradient_accumulation_steps=1)
        # 48 rows, two a step: 24 steps.
        done = self.run_with_pipe(self.stream(max_steps=30, **keys), code=2)
        text = done.stdout + done.stderr
        self.assertIn("have come to an end after 24 of 30 steps", text)
        self.assertEqual(self.checkpoints(), ["checkpoint-24"])
        self.assertTrue((self.folder / "out/checkpoint-24/adapter_model.safetensors").exists())
        self.assertEqual(len(self.losses()), 24)
        # As many steps as there are rows for end well; a run that stopped goes on with the pipe.
        whole = dict(max_steps=24, save_steps=10, save_strategy=None)
        self.run_with_pipe(self.stream(out="whole", **keys, **whole))
        shutil.rmtree(self.folder / "whole/checkpoint-24")
        shutil.copytree(self.folder / "whole", self.folder / "again")
        self.run_with_pipe(self.stream(out="again", auto_resume_from_checkpoints=True, **keys, **whole))
        self.assertEqual(self.adapter("again"), self.adapter("whole"))

    def test_two_ranks_do_not_share_a_pipe(self):
        self.refused(self.stream(datasets=self.pipe()), "is a pipe", "one rank")

    def test_a_broken_source_ends_all_ranks(self):
        """The second file is not what its name says: found in the middle of training, on every rank
        or on one of them."""
        data = "".join(json.dumps(r) + "\n" for r in rows(40)).encode()
        packed = gzip.compress(data * 50)
        (self.folder / "data").mkdir()
        (self.folder / "data/a.jsonl").write_bytes(data)
        (self.folder / "data/b.jsonl.gz").write_bytes(packed[:len(packed) // 2])
        config = self.stream(datasets=[{"path": str(self.folder / "data"), "type": "alpaca"}],
                             max_steps=4000, learning_rate=0.001, shuffle_merged_datasets=False)
        text = self.refused(config, "b.jsonl.gz")
        self.assertEqual(len(self.checkpoints()), 1, text)

    def test_one_rank_with_a_broken_source_ends_all_ranks(self):
        good = self.stream(max_steps=4000, learning_rate=0.001)
        data = "".join(json.dumps(r) + "\n" for r in rows(100)).encode()
        packed = gzip.compress(data * 20)
        (self.folder / "broken.jsonl.gz").write_bytes(packed[:len(packed) // 2])
        broken = self.stream("broken.yaml", max_steps=4000, learning_rate=0.001, datasets=[
            {"path": str(self.folder / "broken.jsonl.gz"), "type": "alpaca"}])
        done = subprocess.run(
            ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", "1", PROGRAM, str(good), ":",
             "-np", "1", PROGRAM, str(broken)], env=ENVIRONMENT, text=True, capture_output=True,
            timeout=110 * TIME_FACTOR)
        text = done.stdout + done.stderr
        self.assertEqual(done.returncode, 2, text)
        self.assertEqual(text.count("error: "), 1, text)
        self.assertIn("broken.jsonl.gz", text)
        self.assertIn("rank: 1", text)
        self.assertEqual(len(self.checkpoints()), 1, text)

    def test_rows_that_cannot_be_used_are_counted(self):
        (self.folder / "rows.jsonl").write_text(
            "".join(json.dumps(r) + "\n{broken\n" for r in rows()))
        done = self.run_program(1, self.stream())
        self.assertRegex(done.stderr, r"dropped: \d+ broken")
        self.assertIn("rows.jsonl:2: ", done.stderr)

    # ---- the other commands ----------------------------------------------------------------------
    def test_other_commands_know_streams(self):
        config = self.stream()
        for command in (["validate", config], ["preview", config], ["preprocess", config],
                        ["plan", config, "--ranks", "2"]):
            self.run_program(0, *command)
        plan = json.loads(self.run_program(0, "plan", config, "--format", "json").stdout)
        self.assertTrue(plan["stream"])
        self.assertEqual(plan["total_steps"], 6)
        self.assertGreater(plan["tokens_per_epoch"], 1000)
        self.assertEqual(plan["rows"], 10)
        self.refused(self.stream(max_steps=None), "max_steps")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *(f"Stream.{name}" for name in sys.argv[2:])], verbosity=2)
