"""Whole runs of rl: dpo: they learn to prefer, ranks agree, they go on bit for bit, and what makes no sense is refused."""
import json
import shutil
import sys
import unittest

from training_case import COLOURS, TrainingCase, rows

DPO = {"rl": "dpo", "max_steps": 6, "learning_rate": 0.005}


class Preference(TrainingCase):
    def setUp(self):
        super().setUp()
        pairs = []
        for i, row in enumerate(rows()):
            thing = row["output"].rsplit(" ", 1)[0]
            pairs.append({"messages": [{"role": "user", "content": row["instruction"]}],
                          "chosen": {"role": "assistant", "content": row["output"]},
                          "rejected": {"role": "assistant", "content": f"{thing} {COLOURS[(i + 1) % 3]}"}})
        self.write_pairs(pairs)

    def write_pairs(self, pairs):
        (self.folder / "pairs.jsonl").write_text("".join(json.dumps(p) + "\n" for p in pairs))

    def dpo(self, **keys):
        dataset = {"path": str(self.folder / "pairs.jsonl"), "type": "chat_template.default"}
        return self.config(**(DPO | {"datasets": [dataset], "chat_template": "chatml"} | keys))

    def last(self, name, out="out"):
        return [m[name] for m in self.metrics(out) if name in m][-1]

    def test_it_learns_to_prefer_and_ranks_agree(self):
        losses = {}
        for ranks, pairs in ((1, 4), (2, 2), (4, 1)):
            out = f"out{ranks}"
            done = self.run_program(ranks, self.dpo(micro_batch_size=pairs, output_dir=str(self.folder / out)))
            self.assertIn("task: dpo, beta 0.1, against the model without its adapter", done.stdout + done.stderr)
            losses[ranks] = self.losses(out)
        self.assertAlmostEqual(losses[1][0], 0.6931472, delta=1e-5)
        self.assertLess(losses[1][-1], losses[1][0])
        self.assertGreater(self.last("rewards/margins", "out1"), 0)
        self.assertLess(self.last("logps/chosen", "out1"), 0)
        self.assert_close(losses[2], losses[1], 1e-5)
        self.assert_close(losses[4], losses[1], 1e-5)

    def test_accumulation_is_a_larger_batch(self):
        self.run_program(0, self.dpo(micro_batch_size=4, output_dir=str(self.folder / "large")))
        self.run_program(0, self.dpo(micro_batch_size=1, gradient_accumulation_steps=4,
                                     output_dir=str(self.folder / "small")))
        self.assert_close(self.losses("small"), self.losses("large"), 1e-5)

    def test_a_full_fine_tune_has_a_reference_of_its_own(self):
        keys = {"adapter": None, "lora_r": None, "lora_alpha": None, "lora_target_linear": None, "learning_rate": 0.0005}
        done = self.run_program(2, self.dpo(**keys))
        self.assertIn("against a frozen model of its own", done.stdout + done.stderr)
        self.assertAlmostEqual(self.losses()[0], 0.6931472, delta=1e-5)
        self.assertLess(self.losses()[-1], self.losses()[0])

    def test_an_adapter_that_goes_on_is_its_own_reference(self):
        self.run_program(0, self.dpo())
        shutil.move(self.folder / "out", self.folder / "first")
        self.run_program(0, self.dpo(lora_model_dir=str(self.folder / "first")))
        self.assertAlmostEqual(self.losses()[0], 0.6931472, delta=1e-5)

    def test_evaluation_measures_the_same(self):
        self.run_program(2, self.dpo(val_set_size=8, eval_steps=6, micro_batch_size=1))
        evals = [m for m in self.metrics() if "eval_loss" in m]
        self.assertAlmostEqual(evals[0]["eval_loss"], 0.6931472, delta=1e-5)
        self.assertLess(evals[-1]["eval_loss"], evals[0]["eval_loss"])
        for name in ("rewards/chosen", "rewards/rejected", "rewards/accuracies", "rewards/margins", "logps/chosen"):
            self.assertIn(f"eval_{name}", evals[-1])

    def test_stopping_and_going_on_gives_the_same_bits(self):
        keys = {"save_steps": 3, "save_strategy": None, "lora_dropout": 0.1}
        self.run_program(2, self.dpo(output_dir=str(self.folder / "whole"), **keys))
        shutil.copytree(self.folder / "whole", self.folder / "out")
        shutil.rmtree(self.folder / "out/checkpoint-6")
        (self.folder / "out/adapter_model.safetensors").unlink()
        self.run_program(2, self.dpo(auto_resume_from_checkpoints=True, **keys))
        self.assertEqual(self.adapter("out"), self.adapter("whole"))

    def test_beta_holds_it_back_and_smoothing_counts(self):
        margins = {}
        for name, keys in {"weak": {"rl_beta": 0.05}, "strong": {"rl_beta": 1.0},
                           "trl": {"trl": {"beta": 1.0}, "rl_beta": 0.05},
                           "smooth": {"rl_beta": 1.0, "dpo_label_smoothing": 0.4}}.items():
            out = str(self.folder / name)
            self.run_program(0, self.dpo(output_dir=out, micro_batch_size=16, max_steps=10, learning_rate=0.003, **keys))
            margins[name] = self.last("rewards/margins", name) / {"weak": 0.05}.get(name, 1.0)
        self.assertEqual(margins["strong"], margins["trl"])
        self.assertLess(margins["smooth"], margins["strong"])
        self.assertNotEqual(margins["weak"], margins["strong"])

    def test_other_commands_know_it(self):
        config = self.dpo()
        done = self.run_program(0, "preprocess", config)
        self.assertIn("48 kept", done.stdout)
        self.assertIn("training: 48 rows", done.stdout)
        self.assertIn("[[", self.run_program(0, "preview", config).stdout)
        self.assertIn("accepted", self.run_program(0, "validate", config).stdout)
        plan = json.loads(self.run_program(0, "plan", config, "--format", "json").stdout)
        self.assertEqual(plan["total_steps"], 6)

    def test_long_rows_are_counted(self):
        pair = json.loads((self.folder / "pairs.jsonl").read_text().splitlines()[0])
        pair["chosen"]["content"] *= 120
        self.write_pairs([pair] + [json.loads(line) for line in (self.folder / "pairs.jsonl").read_text().splitlines()])
        done = self.run_program(0, self.dpo(max_steps=1))
        self.assertIn("dropped: 1 too long", done.stdout + done.stderr)
        done = self.run_program(0, self.dpo(max_steps=1, excess_length_strategy="truncate",
                                            output_dir=str(self.folder / "cut")))
        self.assertIn("were cut", done.stdout + done.stderr)

    def test_what_makes_no_sense_is_refused(self):
        self.refused(self.dpo(sample_packing=True), "sample_packing", "not packed")
        self.refused(self.dpo(dpo_loss_type=["hinge"]), "dpo_loss_type", "[sigmoid]")
        self.refused(self.dpo(rl_beta=0), "rl_beta", "more than 0")
        self.refused(self.dpo(rl="dpp"), "rl", "did you mean 'dpo'")
        self.refused(self.dpo(dpo_use_weighting=True), "dpo_use_weighting")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *(f"Preference.{name}" for name in sys.argv[2:])], verbosity=2)
