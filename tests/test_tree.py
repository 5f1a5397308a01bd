"""The shape of the code: who may import whom, and what a repository must not contain."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

WIRE = {
    *("backend.protocol", "backend.payload", "backend.frames"),
    *("backend.setup", "backend.setup.report", "backend.setup.state"),
}
"""All that the add-on may know of the backend."""
BLENDER = {"bpy", "bpy_extras", "bmesh", "mathutils", "addon_utils", "gpu", "blf"}
AT_THE_EDGE = {
    "compat", "handlers", "menus", "panels", "preferences", "properties", "registration", "render",
    "output", "paragraph", "pose_gauge", "setup_layout", "sighting", "stage", "views", "watch", "words",
}  # fmt: skip
"""Modules of the add-on's top level that touch Blender; everything else there thinks without it."""
IN_BLENDERS_PYTHON = {"numpy"} | BLENDER
"""What the add-on finds there besides the standard library."""
MAX_FILE_BYTES = 16 * 2**20


def modules(package: str) -> dict[str, Path]:
    """Dotted names of a package's modules."""
    names = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


ADDON, BACKEND = modules("addon"), modules("backend")
OURS = ADDON | BACKEND


def imported(name: str, *, at_start: bool) -> set[str]:
    """Modules that a module imports, ours by their full names.

    ``at_start`` leaves out what is imported inside functions or for type checkers only.
    """
    tree = ast.parse(OURS[name].read_text(encoding="utf-8"))
    package = name if OURS[name].stem == "__init__" else name.rpartition(".")[0]
    found: set[str] = set()
    for node in starting(tree) if at_start else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            target = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            submodules = {f"{target}.{alias.name}" for alias in node.names} & set(OURS)
            found |= submodules or {target}
    return found


def starting(tree: ast.AST) -> list[ast.AST]:
    """Nodes that run when the module is imported."""
    nodes: list[ast.AST] = []
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        nodes += [child, *starting(child)]
    return nodes


def top(name: str) -> str:
    return name.split(".")[0]


@pytest.mark.parametrize("name", BACKEND)
def test_the_backend_knows_neither_blender_nor_the_addon(name: str) -> None:
    assert not {top(other) for other in imported(name, at_start=False)} & (BLENDER | {"addon"})


@pytest.mark.parametrize("name", ADDON)
def test_the_addon_needs_nothing_but_what_blender_has(name: str) -> None:
    foreign = {top(other) for other in imported(name, at_start=False)} - {"addon", "backend"}
    assert foreign <= IN_BLENDERS_PYTHON | set(sys.stdlib_module_names)


@pytest.mark.parametrize("name", ADDON)
def test_the_addon_knows_only_the_wire(name: str) -> None:
    of_backend = {other for other in imported(name, at_start=False) if top(other) == "backend"}
    assert of_backend <= WIRE | {"backend"}


@pytest.mark.parametrize("name", sorted(WIRE))
def test_the_wire_fits_into_blenders_python(name: str) -> None:
    outside = {top(other) for other in imported(name, at_start=False) if top(other) != "backend"}
    assert outside <= {"numpy"} | set(sys.stdlib_module_names)
    assert {other for other in imported(name, at_start=False) if top(other) == "backend"} <= WIRE


def test_what_thinks_in_the_addon_does_so_without_blender() -> None:
    thinking = [
        name for name in ADDON if name.count(".") == 1 and ADDON[name].stem not in AT_THE_EDGE | {"__init__"}
    ]
    assert len(thinking) >= 10
    for name in thinking:
        assert not {top(other) for other in imported(name, at_start=True)} & BLENDER, name


def test_no_import_circles() -> None:
    """Depth first; the way back to a module that is still open is a circle."""
    graph = {name: imported(name, at_start=True) & set(OURS) - {name} for name in OURS}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join([*way[way.index(name) :], name])
        if name in done:
            return
        for other in sorted(graph[name]):
            visit(other, (*way, name))
        done.add(name)

    for name in graph:
        visit(name, ())


def test_the_command_line_sets_its_variables_before_numpy_reads_them() -> None:
    """OpenBLAS and OpenMP look at the environment once, when they are loaded."""
    known, new = {"backend"}, {"backend.cli"}
    while new - known:
        known |= new
        new = {other for name in known & set(OURS) for other in imported(name, at_start=True)}
    assert "argparse" in known
    assert not known & {"numpy", "cv2", "torch", "scipy"}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        name
        for name, path in OURS.items()
        if (tree := ast.parse(path.read_text(encoding="utf-8"))).body and not ast.get_docstring(tree)
    ]
    assert silent == []


def test_every_module_of_the_path_is_on_the_map() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    top_level = [path for path in (ROOT / "backend").glob("*.py") if not path.stem.startswith("__")]
    missing = [path.name for path in top_level if not re.search(rf"\b{path.stem}\b", page)]
    assert missing == []


def test_shipped_assets_are_small_and_have_their_licence_beside_them() -> None:
    assets = [path for path in (ROOT / "backend" / "assets").iterdir() if path.suffix != ".md"]
    assert assets
    for asset in assets:
        assert asset.stat().st_size <= MAX_FILE_BYTES, asset.name
        # Networks have a card, which says more than a licence.
        kind = "card" if asset.suffix == ".safetensors" else "LICENSE"
        card = asset.with_name(f"{asset.stem}.{kind}.md")
        assert "licen" in card.read_text(encoding="utf-8").lower(), card.name
