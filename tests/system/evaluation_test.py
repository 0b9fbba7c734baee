#!/usr/bin/env python3
"""Evaluation during runs of the real program: when it runs, what it averages, what it stops.

evaluation_test.py PROGRAM [TEST ...]: PROGRAM is the built axolotl-hpc; each TEST is one CTest entry."""
import json
import sys
import unittest

from training_case import TrainingCase, rows


class Run(TrainingCase):
    def evals(self, out="out"):
        return [(m["step"], m["eval_loss"]) for m in self.metrics(out) if "eval_loss" in m]

    def other_rows(self, *texts):
        """A set for evaluation with these answers."""
        path = self.folder / f"test{len(list(self.folder.iterdir()))}.jsonl"
        path.write_text("".join(json.dumps({"instruction": "what is the sky", "output": t}) + "\n"
                                for t in texts))
        return [{"path": str(path), "type": "alpaca", "split": "train"}]

    def stopping(self, out, **keys):
        """Learns red, green and blue; evaluates on other colours, which gets worse after a while."""
        other = [r | {"output": r["output"].replace("red", "blue").replace("green", "red")}
                 for r in rows(12)]
        (self.folder / "other.jsonl").write_text("".join(json.dumps(r) + "\n" for r in other))
        base = dict(output_dir=str(self.folder / out), eval_steps=2, save_steps=2,
                    save_strategy=None, early_stopping_patience=2, max_steps=200,
                    test_datasets=[{"path": str(self.folder / "other.jsonl"), "type": "alpaca",
                                    "split": "train"}])
        return self.config(f"{out}.yaml", **(base | keys))

    def test_early_stopping_gives_the_best_weights(self):
        done = self.run_program(2, self.stopping("out", save_total_limit=1))
        counted = self.evals()[1:]  # not the one before the first step
        best = min(counted, key=lambda e: e[1])[0]
        last = counted[-1][0]
        self.assertLess(last, 200, counted)
        self.assertEqual(last, best + 4, counted)
        self.assertEqual(set(self.checkpoints()), {f"checkpoint-{best}", f"checkpoint-{last}"})
        self.assertEqual(self.adapter(), self.adapter(f"out/checkpoint-{best}"))
        self.assertNotEqual(self.adapter(), self.adapter(f"out/checkpoint-{last}"))
        self.assertIn(f"the weights of step {best}", done.stderr + done.stdout)

    def test_early_stopping_goes_on_after_a_stop(self):
        self.run_program(1, self.stopping("whole"))
        last = self.evals("whole")[-1][0]
        self.run_program(1, self.stopping("out", max_steps=last - 2))
        self.run_program(1, self.stopping("out", auto_resume_from_checkpoints=True))
        self.assertEqual(self.evals()[-1], self.evals("whole")[-1])
        self.assertEqual(self.adapter(), self.adapter("whole"))

    def test_the_first_evaluation_does_not_stop(self):
        self.run_program(1, self.stopping("out", learning_rate=0, early_stopping_patience=1))
        self.assertEqual([step for step, _ in self.evals()], [0, 2, 4])

    def test_no_means_never(self):
        self.run_program(1, self.config(val_set_size=0.25, eval_strategy="no"))
        self.assertEqual(self.evals(), [])

    def test_axolotls_mean_is_one_of_micro_batches(self):
        keys = dict(max_steps=1, eval_steps=1, eval_batch_size=1)
        texts = ["the sky is red", "no"]

        def first(*answers, **more):
            out = f"run{len(list(self.folder.iterdir()))}"
            self.run_program(1, self.config(f"{out}.yaml", output_dir=str(self.folder / out),
                                            test_datasets=self.other_rows(*answers), **keys, **more))
            return next(m for m in self.metrics(out) if "eval_loss" in m)

        a, b = first(texts[0]), first(texts[1])
        self.assertNotEqual(a["label_tokens"], b["label_tokens"])
        tokens = a["label_tokens"] + b["label_tokens"]
        by_token = sum(m["eval_loss"] * m["label_tokens"] for m in (a, b)) / tokens
        self.assert_close([first(*texts)["eval_loss"]], [by_token], 1e-5)
        axolotl = first(*texts, loss_normalization="axolotl")
        self.assert_close([axolotl["eval_loss"]], [(a["eval_loss"] + b["eval_loss"]) / 2], 1e-5)
        self.assertEqual(axolotl["label_tokens"], tokens)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *(f"Run.{name}" for name in sys.argv[2:])], verbosity=2)
