"""Every module can be imported on Windows and macOS, and writes names that they allow."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(path for top in ("ppbench", "corruptions") for path in (ROOT / top).rglob("*.py"))

# fmt: off
POSIX_ONLY = {"fcntl", "pwd", "grp", "resource", "termios", "tty", "pty", "syslog", "crypt", "nis", "readline"}
# fmt: on


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Everything that runs when a module is imported: all but the bodies of functions."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _at_import(child)


def _imported(text: str) -> set[str]:
    """The top-level packages that a module imports when it is imported itself."""
    found: set[str] = set()
    for node in _at_import(ast.parse(text)):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found.add(node.module.partition(".")[0])
    return found


def test_no_module_imports_what_windows_has_not() -> None:
    """Not at its top: a single one stops every command there."""
    assert len(MODULES) > 100
    strangers = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in MODULES
        for name in _imported(path.read_text(encoding="utf-8")) & POSIX_ONLY
    }
    assert not strangers


def test_the_search_finds_one() -> None:
    """Inside `if`, `try` and classes too, and not in a function."""
    assert _imported("try:\n    import fcntl\nexcept ImportError: pass") == {"fcntl"}
    assert _imported("class A:\n    from pwd import getpwuid") == {"pwd"}
    assert _imported("def f():\n    import grp") == set()


# What the module os has on POSIX systems only, and signals that Windows has not.
POSIX_NAMES = {
    "os": {"fork", "getuid", "geteuid", "setuid", "getgid", "uname", "getloadavg", "statvfs", "mkfifo", "killpg",
           "O_DIRECTORY", "sched_getaffinity", "register_at_fork"},
    "signal": {"SIGKILL", "SIGPIPE", "SIGHUP", "SIGUSR1", "SIGALRM", "alarm", "pause"},
}  # fmt: skip


def _posix_names(text: str) -> set[str]:
    return {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.attr in POSIX_NAMES.get(node.value.id, ())
    }


def test_what_windows_has_not_is_asked_for_first() -> None:
    """Only the count of CPUs uses such a name, after `hasattr`."""
    used = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in MODULES
        for name in _posix_names(path.read_text(encoding="utf-8"))
    }
    assert used == {("ppbench/cpu_count.py", "os.sched_getaffinity")}


def _without_encoding(text: str) -> list[int]:
    """The lines that open or read a text file in whatever encoding the machine happens to have."""
    lines = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        ours = isinstance(owner, ast.Name) and owner.id == "atomic"
        mode = next((each.value for each in node.args if isinstance(each, ast.Constant)), "r")
        binary = isinstance(mode, str) and "b" in mode
        given = any(keyword.arg in {"encoding", None} for keyword in node.keywords)
        is_open = name == "open" and (owner is None or isinstance(owner, ast.Call)) and not binary
        if (
            is_open or (name in {"read_text", "write_text"} and owner is not None and not ours)
        ) and not given:
            lines.append(node.lineno)
    return lines


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_text_files_have_an_encoding(path: Path) -> None:
    """Windows would read and write them in its own code page."""
    assert _without_encoding(path.read_text(encoding="utf-8")) == []
