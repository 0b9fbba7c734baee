"""Holds every #include against the layers of the architecture (docs/architecture.md).

    include_layers.py [ROOT]

The order of the layers is the one in src/CMakeLists.txt, lowest first. The rules:
- a folder of src/ includes itself, layers below it that its CMakeLists.txt links (directly or
  through another layer), and the kernel contracts; never a layer above it;
- headers of one folder do not include each other in a circle;
- kernels/ includes nothing of src/, and its contract headers include no library at all;
- a library's headers are seen only in the folders of LIBRARIES;
- AXL_HAVE_* is asked only where back ends are chosen;
- src/ and kernels/ include nothing of tests/, perf/ or launch/.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from project import Finding, project_files, read_text, report, root_argument

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')

# Headers that the build writes.
GENERATED = ["tokenizer/templates/embedded.hpp"]  # src/tokenizer/templates/embed.cmake

# Which headers belong to a library, and the folders that may include them. VERSIONS may too: it only
# asks the libraries for their versions.
VERSIONS = "src/cli/build_info.cpp"
LIBRARIES = [
    ("Kokkos", re.compile(r"^Kokkos_"), ["kernels/kokkos", "src/device"]),
    ("oneDNN", re.compile(r"^(dnnl|oneapi/)"), ["kernels/onednn", "src/device"]),
    ("CUDA", re.compile(r"^(cuda|cublas|cudnn|cutlass)"), ["kernels/cuda", "src/device", "src/parallel"]),
    ("NCCL", re.compile(r"^nccl"), ["src/device", "src/parallel"]),
    ("MPI", re.compile(r"^mpi\.h$"), ["src/parallel", "src/checkpoint"]),
    ("HDF5", re.compile(r"^(hdf5|H5)"), ["src/checkpoint"]),
    ("yaml-cpp", re.compile(r"^yaml-cpp/"), ["src/config"]),
    ("nlohmann-json", re.compile(r"^nlohmann/json\.hpp"), ["src/core"]),
    ("CLI11", re.compile(r"^CLI/"), ["src/cli"]),
    ("PCRE2", re.compile(r"^pcre2"), ["src/tokenizer", "src/core"]),
]
BANNED = {"format": "GCC 12 has no <format>; use fmt", "expected": "GCC 12 has no <expected>"}
BACKEND_SWITCHES = ("kernels/table.cpp", "src/device/", "src/parallel/")


def layer_order(root: Path) -> list[str]:
    """The layers, lowest first, from the foreach() of src/CMakeLists.txt."""
    text = (root / "src/CMakeLists.txt").read_text(encoding="utf-8")
    match = re.search(r"foreach\(\s*layer\s+([^)]*)\)", text)
    if not match:
        sys.exit("include_layers: src/CMakeLists.txt has no foreach(layer ...)")
    return match.group(1).split()


def linked_layers(root: Path, layers: list[str]) -> dict[str, set[str]]:
    """For every layer that has a target those that it links, directly or not (target axl_NAME)."""
    direct: dict[str, set[str]] = {}
    for layer in layers:
        file = root / "src" / layer / "CMakeLists.txt"
        if not file.exists():
            continue  # headers that no target compiles yet: only the order is checked
        text = re.sub(r"#.*", "", file.read_text(encoding="utf-8"))
        direct[layer] = {name for name in re.findall(r"\baxl_(\w+)\b", text) if name in layers}
    closure = {layer: set(names) for layer, names in direct.items()}
    for _ in layers:
        for names in closure.values():
            for name in list(names):
                names |= closure.get(name, set())
    return closure


def folder_of(name: str) -> str:
    """"src/core/error.hpp" -> "src/core"; "kernels/types.cpp" -> "kernels"."""
    parts = Path(name).parts
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def check_cycles(edges: dict[str, list[str]]) -> list[Finding]:
    """A finding for every circle of headers that include each other."""
    findings: list[Finding] = []
    state: dict[str, int] = {}  # 1 = on the current path, 2 = done
    path: list[str] = []

    def visit(node: str) -> None:
        state[node] = 1
        path.append(node)
        for target in edges.get(node, []):
            if state.get(target) == 1:
                circle = [*path[path.index(target) :], target]
                findings.append(Finding(node, 0, "headers include each other: " + " -> ".join(circle)))
            elif target not in state:
                visit(target)
        path.pop()
        state[node] = 2

    for node in sorted(edges):
        if node not in state:
            visit(node)
    return findings


def check(root: Path) -> tuple[list[Finding], int]:
    layers = layer_order(root)
    linked = linked_layers(root, layers)
    findings: list[Finding] = []
    edges: dict[str, list[str]] = {}
    checked = 0

    for name in project_files(root):
        if not name.startswith(("src/", "kernels/")) or not re.search(r"\.(hpp|cpp|cu|cuh|h)$", name):
            continue
        checked += 1
        folder = folder_of(name)
        layer = Path(name).parts[1] if name.startswith("src/") else None
        if layer is not None and layer not in layers:
            findings.append(Finding(name, 0, f"'{layer}' is not a layer of src/CMakeLists.txt"))
            continue
        text = read_text(root / name) or ""
        if name.endswith(".hpp") and "#pragma once" not in text:
            findings.append(Finding(name, 0, "a header without #pragma once"))

        for number, line in enumerate(text.splitlines(), 1):
            if re.search(r"#\s*(if|ifdef|ifndef|elif)\b.*\bAXL_HAVE_", line) and not name.startswith(
                BACKEND_SWITCHES
            ):
                findings.append(
                    Finding(name, number, "AXL_HAVE_* is asked only in " + ", ".join(BACKEND_SWITCHES))
                )
            match = INCLUDE.match(line)
            if not match:
                continue
            quote, header = match.groups()
            if quote == "<" and header in BANNED:
                findings.append(Finding(name, number, BANNED[header]))
            for library, pattern, allowed in LIBRARIES:
                if pattern.match(header) and folder not in allowed and name != VERSIONS:
                    findings.append(
                        Finding(name, number, f"{library} is seen only in {', '.join(allowed)}")
                    )
            if name.startswith("kernels/include/") and quote == "<" and re.search(r"[./]", header):
                findings.append(Finding(name, number, f"a contract header includes only C++: <{header}>"))
            if quote != '"':
                continue

            top = header.split("/")[0]
            if top in ("tests", "perf", "launch") or header.startswith("../"):
                findings.append(Finding(name, number, f"never included by src/ or kernels/: {header}"))
            if (root / "src" / header).is_file() and "/" in header:
                if layer is None:
                    findings.append(Finding(name, number, f"kernels/ includes nothing of src/: {header}"))
                elif top != layer and top in layers:
                    if layers.index(top) > layers.index(layer):
                        findings.append(Finding(name, number, f"upward: {layer} includes {header}"))
                    elif layer in linked and top not in linked[layer]:
                        findings.append(
                            Finding(
                                name, number,
                                f"src/{layer}/CMakeLists.txt does not link axl_{top}, but includes {header}",
                            )
                        )
                if name.endswith(".hpp"):
                    edges.setdefault(name, []).append("src/" + header)
            elif layer is not None and top in layers and header not in GENERATED:
                findings.append(Finding(name, number, f"no such file: src/{header}"))
            elif (root / "kernels/include" / header).is_file() and name.endswith(".hpp"):
                edges.setdefault(name, []).append("kernels/include/" + header)

    return findings + check_cycles(edges), checked


if __name__ == "__main__":
    sys.exit(report("include_layers", *check(root_argument())))
