"""Whole runs of the adapters that are not LoRA: what they train, that ranks agree, what merging gives."""
import json
import shutil
import struct
import sys
import unittest

from training_case import MODEL, TrainingCase

NO_LORA = {"lora_r": None, "lora_alpha": None}
METHODS = {
    "ia3": NO_LORA | {"adapter": "ia3", "lora_target_linear": None, "learning_rate": 0.03},
    "vera": NO_LORA | {"adapter": "vera", "lora_r": 16, "learning_rate": 0.03},
}


class Adapters(TrainingCase):
    def tensors(self, out="out"):
        data = self.adapter(out)
        size = struct.unpack("<Q", data[:8])[0]
        return {k: v["shape"] for k, v in json.loads(data[8:8 + size]).items() if k != "__metadata__"}

    def adapter_config(self, out="out"):
        return json.loads((self.folder / out / "adapter_config.json").read_text())

    def answer(self, *args):
        return self.run_program(0, "inference", *args, "--greedy", "--raw", "--max-new-tokens", 12, "--prompt",
                                "what is the sky").stdout

    def test_they_learn_and_ranks_agree(self):
        for method, keys in METHODS.items():
            losses = {}
            for ranks, rows in ((1, 4), (2, 2), (4, 1)):
                out = f"{method}{ranks}"
                self.run_program(ranks, self.config(max_steps=12, micro_batch_size=rows,
                                                    output_dir=str(self.folder / out), **keys))
                losses[ranks] = self.losses(out)
            self.assertLess(losses[1][-1], 0.95 * losses[1][0], method)
            self.assert_close(losses[2], losses[1], 1e-5)
            self.assert_close(losses[4], losses[1], 1e-5)

    def test_ia3_takes_what_peft_takes(self):
        self.run_program(0, self.config(max_steps=1, **METHODS["ia3"]))
        config = self.adapter_config()
        self.assertEqual(config["peft_type"], "IA3")
        self.assertEqual(sorted(config["target_modules"]), ["down_proj", "k_proj", "v_proj"])
        self.assertEqual(config["feedforward_modules"], ["down_proj"])
        shapes = {name.split(".")[-2]: shape for name, shape in self.tensors().items()}
        self.assertEqual(sorted(shapes), ["down_proj", "k_proj", "v_proj"])
        self.assertEqual([shapes["down_proj"][0], shapes["k_proj"][1]], [1, 1])

    def test_vera_shares_one_projection(self):
        plain = self.config(max_steps=2, **METHODS["vera"])
        self.run_program(0, plain)
        with_matrices = self.tensors()
        self.assertEqual(with_matrices["base_model.vera_A"][0], 16)
        self.run_program(0, self.config(max_steps=2, vera_save_projection=False,
                                        output_dir=str(self.folder / "without"), **METHODS["vera"]))
        without = self.tensors("without")
        self.assertEqual(sorted(set(with_matrices) - set(without)), ["base_model.vera_A", "base_model.vera_B"])
        self.assertEqual(self.losses("without"), self.losses())
        merged = []
        for out in ("out", "without"):
            target = self.folder / (out + "-merged")
            self.run_program(0, "merge", "--base", MODEL, "--adapter", self.folder / out, "-o", target)
            merged.append((target / "model.safetensors").read_bytes())
        self.assertEqual(*merged)
        self.run_program(0, self.config(max_steps=2, vera_projection_prng_key=5,
                                        output_dir=str(self.folder / "other"), **METHODS["vera"]))
        self.assertNotEqual(self.losses("other"), self.losses())

    def test_merged_they_answer_as_they_did(self):
        for method, keys in METHODS.items():
            out, merged = self.folder / method, self.folder / f"{method}-merged"
            self.run_program(2, self.config(max_steps=12, output_dir=str(out), **keys))
            self.run_program(0, "merge", "--base", MODEL, "--adapter", out, "-o", merged)
            self.assertNotEqual(self.answer(out), self.answer(MODEL), method)
            self.assertEqual(self.answer(merged), self.answer(out), method)

    def test_stopping_and_going_on_gives_the_same_bits(self):
        for method, keys in METHODS.items():
            keys = keys | {"max_steps": 6, "save_steps": 3, "save_strategy": None}
            if method == "vera":
                keys["lora_dropout"] = 0.1
            whole, out = f"{method}-whole", f"{method}-out"
            self.run_program(2, self.config(output_dir=str(self.folder / whole), **keys))
            shutil.copytree(self.folder / whole, self.folder / out)
            shutil.rmtree(self.folder / out / "checkpoint-6")
            (self.folder / out / "adapter_model.safetensors").unlink()
            self.run_program(2, self.config(output_dir=str(self.folder / out), auto_resume_from_checkpoints=True,
                                            **keys))
            self.assertEqual(self.adapter(out), self.adapter(whole), method)

    def test_they_go_on_from_an_adapter_and_over_four_bits(self):
        for method, keys in METHODS.items():
            out, more = self.folder / method, self.folder / f"{method}-more"
            four_bits = keys | {"load_in_4bit": True, "max_steps": 12}
            self.run_program(0, self.config(output_dir=str(out), **four_bits))
            first = self.losses(method)
            self.run_program(0, self.config(output_dir=str(more), lora_model_dir=str(out), **four_bits))
            self.assertLess(self.losses(more.name)[0], first[0], method)

    def test_what_makes_no_sense_is_refused(self):
        self.refused(self.config(**(METHODS["vera"] | {"lora_r": None})), "lora_r", "adapter: vera")
        self.refused(self.config(peft_use_dora=True, **METHODS["ia3"]), "peft_use_dora", "adapter: lora")
        self.refused(self.config(vera_d_initial=0.2), "vera_d_initial", "needs adapter: vera")
        done = self.run_program(0, self.config(max_steps=1, **(METHODS["ia3"] | {"lora_alpha": 16})))
        self.assertIn("has no effect with adapter: ia3", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *(f"Adapters.{name}" for name in sys.argv[2:])], verbosity=2)
