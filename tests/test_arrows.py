"""The arrows between rooms point one way."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# What each room may import of the project; a room may always import itself and the ground floor.
GROUND = {
    "ppbench.errors",
    "ppbench.atomic",
    "ppbench.transfer",
    "ppbench.cpu_count",
    "ppbench.device",
    "ppbench.locking",
    "ppbench.spelling",
    "ppbench.user_folders",
    "ppbench.installed",
    "ppbench.validation",
}
MAY_IMPORT = {
    "corruptions": set(),
    "ppbench.scoring": {"corruptions.names"},
    "ppbench.reporting": {"ppbench.scoring"},
    "ppbench.data": {"corruptions.names"},
    "ppbench.models": set(),
    "ppbench.evaluation": {"ppbench.models", "ppbench.data", "corruptions", "ppbench.scoring"},
    "ppbench.training": {"ppbench.models", "ppbench.data", "corruptions", "ppbench.__version__"},
    "ppbench.setup": {"ppbench.evaluation", "ppbench.models", "ppbench.data", "ppbench.scoring"},
    "ppbench.runs": {
        "ppbench.setup",
        "ppbench.evaluation",
        "ppbench.models",
        "ppbench.data",
        "corruptions",
        "ppbench.scoring",
        "ppbench.reporting",
        "ppbench.__version__",
    },
    "ppbench.generation": {"ppbench.data", "corruptions", "ppbench.scoring", "ppbench.__version__"},
    "ppbench.diagnosis": {"ppbench.data", "ppbench.models"},
    "ppbench.testing": {
        "ppbench.runs",
        "ppbench.models",
        "ppbench.data",
        "ppbench.scoring",
        "ppbench.reporting",
    },
}


def _imports(path: Path) -> set[str]:
    """Every absolute module name a file imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the arrows"
            assert node.module is not None
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name for name in found if name.split(".")[0] in {"ppbench", "corruptions", "benchmarks", "tests"}}


def _inside(name: str, rooms: set[str]) -> bool:
    return any(name == room or name.startswith(room + ".") for room in rooms)


def test_every_room_has_its_arrows() -> None:
    """A new room says what it may import; only the command line may import everything."""
    rooms = {f"ppbench.{path.parent.name}" for path in (ROOT / "ppbench").glob("*/__init__.py")}
    assert rooms - {"ppbench.cli"} == MAY_IMPORT.keys() - {"corruptions"}


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_only_the_rooms_below_it(room: str) -> None:
    """Corruptions import nothing of the others, scoring and data their names only; nobody imports the command line."""
    ground = set() if room == "corruptions" else GROUND
    allowed = {room} | ground | MAY_IMPORT[room]
    files = sorted((ROOT / room.replace(".", "/")).rglob("*.py"))
    assert files
    strangers = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in _imports(path)
        if not _inside(name, allowed)
    }
    assert not strangers
