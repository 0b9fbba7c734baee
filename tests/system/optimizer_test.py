"""Whole runs with every optimiser: they learn, stop and go on bit for bit, on other numbers of ranks too."""
import json
import shutil
import sys
import unittest

from training_case import TrainingCase

# Settings that make a tiny model learn from 48 rows in 8 steps.
OPTIMIZERS = {
    "adamw_torch": {},
    "adamw_bnb_8bit": {},
    "sgd": {"learning_rate": 0.5, "optim_args": {"momentum": 0.9, "nesterov": True}},
    "adafactor": {"optim_args": {"beta1": 0.9}},
}


class Optimizer(TrainingCase):
    def settings(self, optimizer, **keys):
        return {"optimizer": optimizer, "max_steps": 8, "save_steps": 4, "save_strategy": None,
                "lora_r": 32, "weight_decay": 0.01} | OPTIMIZERS[optimizer] | keys

    def full(self, optimizer, **keys):
        """A full fine-tune: its matrices are large enough for 8-bit states."""
        rate = OPTIMIZERS[optimizer].get("learning_rate", 0.003)
        return self.settings(optimizer, adapter=None, lora_r=None, lora_alpha=None, lora_target_linear=None,
                             learning_rate=rate, **keys)

    def resumes(self, settings, result, ranks=2, other_ranks=2):
        self.run_program(ranks, self.config(**settings(output_dir=str(self.folder / "whole"))))
        shutil.copytree(self.folder / "whole", self.folder / "out")
        shutil.rmtree(self.folder / "out/checkpoint-8")
        (self.folder / "out" / result).unlink()
        self.run_program(other_ranks, self.config(**settings(auto_resume_from_checkpoints=True,
                                                             output_dir=str(self.folder / "out"))))
        return [(self.folder / out / result).read_bytes() for out in ("out", "whole")]

    def test_each_learns_and_goes_on_bit_for_bit(self):
        for optimizer in OPTIMIZERS:
            with self.subTest(optimizer):
                shutil.rmtree(self.folder / "whole", ignore_errors=True)
                shutil.rmtree(self.folder / "out", ignore_errors=True)
                resumed, whole = self.resumes(lambda **k: self.settings(optimizer, lora_dropout=0.1, **k),
                                              "adapter_model.safetensors")
                self.assertEqual(resumed, whole)
                losses = self.losses("whole")
                self.assertLess(losses[-1], losses[0])

    def test_full_fine_tunes_go_on_bit_for_bit(self):
        for optimizer in ("adamw_bnb_8bit", "adafactor"):
            with self.subTest(optimizer):
                shutil.rmtree(self.folder / "whole", ignore_errors=True)
                shutil.rmtree(self.folder / "out", ignore_errors=True)
                resumed, whole = self.resumes(lambda **k: self.full(optimizer, **k), "model.safetensors")
                self.assertEqual(resumed, whole)
                losses = self.losses("whole")
                self.assertLess(losses[-1], losses[0])

    def test_another_number_of_ranks_goes_on(self):
        self.resumes(lambda **k: self.full("adamw_bnb_8bit", **k), "model.safetensors", 2, 1)
        # The first step after the checkpoint has rows of its own, but the same model.
        self.assertEqual(len(self.losses()), 8)
        self.assertLess(self.losses()[-1], self.losses()[0])

    def test_another_optimizer_does_not_go_on(self):
        self.run_program(2, self.config(**self.settings("sgd")))
        self.refused(self.config(**self.settings("adafactor", auto_resume_from_checkpoints=True)),
                     "optimizer was \"sgd\" and is \"adafactor\" now")

    def test_rate_zero_with_a_rate_for_embeddings(self):
        for rate in (0, 0.01):
            self.run_program(2, self.config(learning_rate=rate, embedding_lr=0.01, max_steps=3,
                                            lora_target_modules=["q_proj", "embed_tokens"],
                                            lora_target_linear=None,
                                            output_dir=str(self.folder / f"rate{rate}")))
        still, moving = self.losses("rate0"), self.losses("rate0.01")
        self.assertEqual(still[0], moving[0])
        self.assertNotEqual(still[-1], still[0])
        self.assertNotEqual(still[-1], moving[-1])

    def test_the_plan_counts_what_each_keeps(self):
        kept = {}
        for optimizer in OPTIMIZERS:
            done = self.run_program(0, "plan", self.config(**self.full(optimizer)), "--format", "json")
            kept[optimizer] = json.loads(done.stdout)["optimizer_bytes"]
        self.assertLess(kept["adamw_bnb_8bit"], kept["adamw_torch"])
        self.assertLess(kept["adafactor"], kept["adamw_torch"])
        self.assertLess(kept["sgd"], 0.6 * kept["adamw_torch"])

    def test_wrong_arguments(self):
        self.refused(self.config(optimizer="sgd", optim_args={"momentun": 0.9}), "optim_args", "momentum")
        self.refused(self.config(optimizer="sgd", optim_args="nesterov=true"), "nesterov needs")
        self.refused(self.config(optimizer="adamw_torch", optim_args={"beta1": 0.9}), "takes none")
        self.refused(self.config(optimizer="adafactor", optim_args={"clip_threshold": 0}), "more than 0")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *(f"Optimizer.{name}" for name in sys.argv[2:])], verbosity=2)
