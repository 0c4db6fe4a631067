"""What must be the same in every process of a cluster."""

import ast
from pathlib import Path

from ppbench.evaluation import ray_worker

ROOT = Path(ray_worker.__file__).parents[2]


def _file(module: str) -> Path | None:
    """The file of a module of ours, None if the name is of something else."""
    place = ROOT / module.replace(".", "/")
    return next((path for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file()), None)


def _imported(path: Path) -> set[Path]:
    """The files of ours that a file imports, inside functions too, and the packages that they are in."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    names = {name for name in names if name.split(".")[0] in ("ppbench", "corruptions")}
    parts = [name.split(".") for name in names]
    every = {".".join(part[:count]) for part in parts for count in range(1, len(part) + 1)}
    return {file for name in every if (file := _file(name))}


def test_all_code_that_a_worker_imports_must_be_alike() -> None:
    """Whatever can be reached by imports from what workers run is among the files that are compared."""
    package = (
        ROOT / "ppbench" / "__init__.py"
    )  # imports its public names when they are asked for, which no worker does
    reached, left = {package}, {Path(ray_worker.__file__)}
    while left:
        path = left.pop()
        reached.add(path)
        left |= _imported(path) - reached
    assert {
        "ppbench/spelling.py",
        "ppbench/atomic.py",
        "ppbench/data/source.py",
        "corruptions/__init__.py",
    } <= {path.relative_to(ROOT).as_posix() for path in reached}
    assert reached <= set(ray_worker.code_here().values())


def test_the_code_of_a_cluster_is_a_digest_of_files_by_name() -> None:
    """Its files are called alike wherever ppbench is installed, and two of one name in two rooms are both there."""
    files = ray_worker.code_here()
    assert files["ppbench/cpu_count.py"] == ROOT / "ppbench" / "cpu_count.py"
    assert {"ppbench/evaluation/reading.py", "ppbench/models/reading.py"} <= files.keys()
    assert not [name for name in files if name.startswith(("ppbench/cli/", "ppbench/reporting/"))]
    assert len(ray_worker.facts_here()["code of ppbench"]) == 12
