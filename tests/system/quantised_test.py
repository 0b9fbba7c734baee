"""Whole runs over a base in few bits: QLoRA on one rank and many, what it needs, what comes out of it."""
import json
import shutil
import sys
import unittest

from training_case import MODEL, TrainingCase

QLORA = {"adapter": "qlora", "load_in_4bit": True}


class Quantised(TrainingCase):
    def qlora(self, **keys):
        return self.config(**(QLORA | keys))

    def plan(self, config):
        return json.loads(self.run_program(0, "plan", config, "--format", "json").stdout)

    def answer(self, *args):
        return self.run_program(0, "inference", *args, "--greedy", "--raw", "--max-new-tokens", 8, "--prompt",
                                "what is the sky").stdout

    def test_it_learns_and_ranks_agree(self):
        losses = {}
        for ranks, rows in ((1, 4), (2, 2), (4, 1)):
            out = f"out{ranks}"
            done = self.run_program(ranks, self.qlora(micro_batch_size=rows, output_dir=str(self.folder / out)))
            self.assertIn("14 nf4", done.stdout + done.stderr)
            losses[ranks] = self.losses(out)
        self.assertLess(losses[1][-1], losses[1][0])
        self.assert_close(losses[2], losses[1], 1e-5)
        self.assert_close(losses[4], losses[1], 1e-5)

    def test_four_bits_change_the_loss_a_little_and_the_kind_counts(self):
        first = {}
        for name, keys in {"f32": {"adapter": "lora"}, "nf4": QLORA,
                           "fp4": QLORA | {"bnb_config_kwargs": {"bnb_4bit_quant_type": "fp4"}},
                           "plain scales": QLORA | {"bnb_config_kwargs": {"bnb_4bit_use_double_quant": False}}}.items():
            shutil.rmtree(self.folder / "out", ignore_errors=True)
            self.run_program(0, self.config(max_steps=1, **keys))
            first[name] = self.losses()[0]
        self.assertEqual(len(set(first.values())), 4, first)
        for name, loss in first.items():
            self.assertLess(abs(loss - first["f32"]), 0.05 * first["f32"], (name, first))

    def test_the_plan_knows_what_four_bits_take(self):
        plain, nf4 = self.plan(self.config()), self.plan(self.qlora())
        self.assertEqual(nf4["matrix_formats"], "14 nf4")
        self.assertEqual(plain["trained_parameters"], nf4["trained_parameters"])
        both = [p["weights_converted_bytes"] + p["weights_mapped_bytes"] for p in (plain, nf4)]
        self.assertLess(both[1], both[0])

    def test_stopping_and_going_on_gives_the_same_bits(self):
        keys = {"max_steps": 6, "save_steps": 3, "save_strategy": None, "lora_dropout": 0.1}
        self.run_program(2, self.qlora(output_dir=str(self.folder / "whole"), **keys))
        shutil.copytree(self.folder / "whole", self.folder / "out")
        shutil.rmtree(self.folder / "out/checkpoint-6")
        (self.folder / "out/adapter_model.safetensors").unlink()
        again = keys | {"auto_resume_from_checkpoints": True}
        self.run_program(2, self.qlora(**again))
        self.assertEqual(self.adapter("out"), self.adapter("whole"))
        for changed, told in (({"bnb_config_kwargs": {"bnb_4bit_quant_type": "fp4"}}, "bnb_config_kwargs"),
                              ({"adapter": "lora", "load_in_4bit": False}, "adapter")):
            (self.folder / "out/adapter_model.safetensors").unlink(missing_ok=True)
            shutil.rmtree(self.folder / "out/checkpoint-6", ignore_errors=True)
            self.refused(self.qlora(**(again | changed)), told + " was")

    def test_merged_it_answers_as_it_did(self):
        config = self.qlora(max_steps=12)
        self.run_program(2, config)
        trained = self.answer(config)
        done = self.run_program(0, "merge", config)
        self.assertIn("14 tensors hold what is left of them after 4 bits", done.stdout)
        self.assertEqual(self.answer(self.folder / "out/merged"), trained)
        self.assertNotEqual(self.answer(config, "--no-adapter"), trained)

    def test_a_gguf_base_is_used_as_it_lies(self):
        gguf = self.folder / "tiny.gguf"
        self.run_program(0, "export", MODEL, gguf, "--dtype", "q8_0")
        config = self.config(base_model=str(gguf), tokenizer_config=str(MODEL))
        plan = self.plan(config)
        self.assertRegex(plan["matrix_formats"], "gguf blocks")
        self.run_program(2, config)
        self.assertLess(self.losses()[-1], self.losses()[0])
        trained = self.answer(config)
        self.run_program(0, "merge", config, "--dtype", "f32")
        self.assertEqual(self.answer(self.folder / "out/merged"), trained)

    def test_what_makes_no_sense_is_refused(self):
        self.refused(self.config(adapter="qlora"), "adapter", "load_in_4bit: true")
        self.refused(self.config(adapter=None, lora_r=None, lora_alpha=None, lora_target_linear=None,
                                 load_in_4bit=True), "load_in_4bit", "adapter: qlora")
        self.refused(self.qlora(bnb_config_kwargs={"bnb_4bit_quant_type": "nf3"}), "bnb_4bit_quant_type", "nf4 or fp4")
        self.refused(self.qlora(load_in_8bit=True), "load_in_8bit")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *(f"Quantised.{name}" for name in sys.argv[2:])], verbosity=2)
