"""What the system tests of training share: a scratch folder, a small configuration, runs of the program.

A test file is run as FILE PROGRAM [TEST ...]; PROGRAM is the built axolotl-hpc."""
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "tests/fixtures/tiny_llama"
PROGRAM = sys.argv[1] if len(sys.argv) > 1 else ""
TIME_FACTOR = int(os.environ.get("AXL_TIME_FACTOR", "1"))  # tests/CMakeLists.txt
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


class TrainingCase(unittest.TestCase):
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
                              capture_output=True, timeout=timeout * TIME_FACTOR)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def metrics(self, out="out"):
        return [json.loads(line)
                for line in (self.folder / out / "metrics.jsonl").read_text().splitlines()]

    def losses(self, out="out"):
        return [m["loss"] for m in self.metrics(out) if "loss" in m]

    def adapter(self, out="out"):
        return (self.folder / out / "adapter_model.safetensors").read_bytes()

    def assert_close(self, a, b, relative):
        self.assertEqual(len(a), len(b))
        for x, y in zip(a, b):
            self.assertLess(abs(x - y), relative * abs(y), (a, b))

    def checkpoints(self, out="out"):
        folder = self.folder / out
        return sorted(p.name for p in folder.glob("checkpoint-*")) if folder.exists() else []

    def start(self, ranks, config):
        return subprocess.Popen(self.command(ranks, config), env=ENVIRONMENT, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                start_new_session=True)

    def wait_for_step(self, step, process, out="out"):
        for _ in range(1000 * TIME_FACTOR):
            path = self.folder / out / "metrics.jsonl"
            if path.exists() and path.read_text().count('"loss"') >= step:
                return
            if process.poll() is not None:
                self.fail(process.communicate()[0])
            time.sleep(0.05)
        process.kill()
        self.fail("no progress")

    def refused(self, config, *expected, code=2, ranks=2):
        done = self.run_program(ranks, config, code=code)
        text = done.stdout + done.stderr
        self.assertEqual(text.count("error: "), 1, text)
        for part in expected:
            self.assertIn(part, text)
        self.assertNotIn("terminate called", text)
        return text

