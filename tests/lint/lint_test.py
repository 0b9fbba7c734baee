"""Shows that every check of this folder can fail: a violation of each rule is planted in a small
project, and the check has to name it; the small project as it stands has to pass."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import file_length  # noqa: E402
import handbook  # noqa: E402
import include_layers  # noqa: E402
import portable_text  # noqa: E402

HERE = Path(__file__).resolve().parent
CLEAN = {
    "src/CMakeLists.txt": "foreach(layer core config device parallel model)\nendforeach()\n",
    "src/core/CMakeLists.txt": "axl_library(core SOURCES error.cpp)\n",
    "src/core/error.hpp": "#pragma once\n#include <string>\n",
    "src/core/error.cpp": '#include "core/error.hpp"\n',
    "src/config/CMakeLists.txt": "axl_library(config SOURCES a.cpp DEPENDS axl_core)\n",
    "src/config/config.hpp": '#pragma once\n#include "core/error.hpp"\n',
    "src/device/CMakeLists.txt": "axl_library(device SOURCES a.cpp DEPENDS axl_core)\n",
    "src/device/session.cpp": "#include <Kokkos_Core.hpp>\n",
    "src/model/CMakeLists.txt": "axl_library(model SOURCES a.cpp DEPENDS axl_config)\n",
    "src/model/decoder.hpp": '#pragma once\n#include "config/config.hpp"\n#include "core/error.hpp"\n',
    "kernels/include/axl/kernels/types.hpp": "#pragma once\n#include <cstdint>\n",
    "kernels/types.cpp": '#include "axl/kernels/types.hpp"\n',
}


class PlantedProject(unittest.TestCase):
    def setUp(self) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        for name, text in CLEAN.items():
            self.plant(name, text)

    def plant(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def finds(self, check, file: str, message: str) -> None:
        findings, _ = check(self.root)
        self.assertTrue(
            any(f.file == file and message in f.message for f in findings),
            f"expected '{message}' in {file}, got {[str(f) for f in findings]}",
        )

    def test_clean_project_passes(self) -> None:
        for check in (include_layers.check, portable_text.check, file_length.check):
            findings, checked = check(self.root)
            self.assertEqual([], [str(f) for f in findings])
            self.assertGreater(checked, 0)

    def test_include_rules(self) -> None:
        planted = [
            ("src/core/up.hpp", '#pragma once\n#include "config/config.hpp"\n', "upward"),
            ("src/model/unlinked.cpp", '#include "device/queue.hpp"\n', "does not link axl_device"),
            ("src/model/gone.cpp", '#include "config/gone.hpp"\n', "no such file"),
            ("src/core/bare.hpp", "#include <string>\n", "without #pragma once"),
            ("src/core/fmt.cpp", "#include <format>\n", "<format>"),
            ("src/model/k.cpp", "#include <Kokkos_Core.hpp>\n", "Kokkos is seen only"),
            ("src/model/m.cpp", "#include <mpi.h>\n", "MPI is seen only"),
            ("src/model/h.cpp", "#include <hdf5.h>\n", "HDF5 is seen only"),
            ("src/model/c.cpp", "#include <cuda_runtime.h>\n", "CUDA is seen only"),
            ("src/core/y.cpp", "#include <yaml-cpp/yaml.h>\n", "yaml-cpp is seen only"),
            ("src/model/t.cpp", '#include "tests/support.hpp"\n', "never included"),
            ("src/model/i.cpp", "#ifdef AXL_HAVE_CUDA\n#endif\n", "AXL_HAVE_"),
            ("src/extra/e.cpp", "int e;\n", "is not a layer"),
            ("kernels/kokkos/a.cpp", '#include "core/error.hpp"\n', "nothing of src/"),
            ("kernels/include/axl/kernels/b.hpp", "#pragma once\n#include <fmt/core.h>\n", "only C++"),
        ]
        self.plant("src/device/queue.hpp", "#pragma once\n")
        for name, text, message in planted:
            with self.subTest(name):
                self.plant(name, text)
                self.finds(include_layers.check, name, message)

    def test_header_circle(self) -> None:
        self.plant("src/core/a.hpp", '#pragma once\n#include "core/b.hpp"\n')
        self.plant("src/core/b.hpp", '#pragma once\n#include "core/a.hpp"\n')
        self.finds(include_layers.check, "src/core/b.hpp", "include each other")

    def test_text_rules(self) -> None:
        planted = [
            ("docs/a.md", "see /home/someone/axolotl\n", "path of one machine"),
            ("docs/b.md", "see /tmp/scratch/x\n", "path of one machine"),
            ("docs/c.md", "from https://mirror.internal.net/simple\n", "unknown host"),
            ("docs/d.md", "from pypi.org\n", "package registry"),
            ("src/core/t.cpp", "// TODO later\n", "TODO only"),
            ("src/core/s.cpp", "int a; \n", "blanks"),
            ("src/core/r.cpp", "int a;\r\n", "carriage return"),
            ("src/core/b.cpp", "\tint a;\n", "a tab"),
            ("src/core/n.cpp", "int a;", "no newline"),
            ("src/core/utils.cpp", "int a;\n", "name the concept"),
        ]
        for name, text, message in planted:
            with self.subTest(name):
                self.plant(name, text)
                self.finds(portable_text.check, name, message)

    def test_length_rules(self) -> None:
        self.plant("src/core/long.cpp", "int a;\n" * 501)
        self.finds(file_length.check, "src/core/long.cpp", "501 lines")
        self.plant(file_length.REASONS, "src/core/long.cpp: a table\nsrc/core/error.cpp: none\n")
        findings, _ = file_length.check(self.root)
        self.assertEqual(["src/core/error.cpp has 500 lines or fewer: drop its reason"],
                         [f.message for f in findings])

    def plant_handbook(self, rows: int = handbook.LEAST_ROWS) -> None:
        row = ('{{"messages": [{{"role": "user", "content": "Q{0}?"}}, '
               '{{"role": "assistant", "content": "A{0}."}}]}}\n')
        self.plant(handbook.ROWS, "".join(row.format(i) for i in range(rows)))
        self.plant(handbook.QUESTIONS,
                   "".join(f'{{"question": "H{i}?", "answer": "A{i}."}}\n' for i in range(3)))

    def test_handbook_rules(self) -> None:
        self.plant_handbook()
        self.assertEqual([], handbook.check(self.root)[0])
        held_out = ('{"messages": [{"role": "user", "content": "h1"}, '
                    '{"role": "assistant", "content": "A."}]}\n')
        again = ('{"messages": [{"role": "user", "content": "Q5?"}, '
                 '{"role": "assistant", "content": "A."}]}\n')
        rows = (self.root / handbook.ROWS).read_text(encoding="utf-8")
        for text, message in [
            (rows + "{broken\n", "not JSON"),
            (rows + '{"messages": []}\n', "one user and one assistant message"),
            (rows + held_out, "held-out question"),
            (rows + again, "asked before"),
            ("", "at least"),
        ]:
            with self.subTest(message):
                self.plant(handbook.ROWS, text)
                self.finds(handbook.check, handbook.ROWS, message)

    def test_formatting(self) -> None:
        shutil.copy(HERE.parents[1] / ".clang-format", self.root)
        for folder in ("tests", "perf"):
            (self.root / folder).mkdir()
        run = [str(HERE / "format.sh"), str(self.root)]
        first = subprocess.run(run, capture_output=True, text=True, check=False)
        if first.returncode == 77:
            self.skipTest(first.stdout.strip())
        self.assertEqual(0, first.returncode, first.stderr)
        self.plant("src/core/ugly.cpp", "int  a ;\n")
        self.assertEqual(1, subprocess.run(run, capture_output=True, check=False).returncode)

    def test_shell(self) -> None:
        self.plant("launch/a.sh", "#!/usr/bin/env bash\necho \"$1\"\n")
        run = [str(HERE / "shell.sh"), str(self.root)]
        first = subprocess.run(run, capture_output=True, text=True, check=False)
        if first.returncode == 77:
            self.skipTest(first.stdout.strip())
        self.assertEqual(0, first.returncode, first.stdout)
        self.plant("launch/b.sh", "#!/usr/bin/env bash\nrm $1\n")
        self.assertEqual(1, subprocess.run(run, capture_output=True, check=False).returncode)


if __name__ == "__main__":
    unittest.main(verbosity=2)
