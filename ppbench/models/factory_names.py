"""Which functions and classes of a Python file can make a network, read from its text: nothing of it is run."""

import ast
import re
from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
Root = Function | ast.ClassDef

OFFERED = ("num_classes", "image_size")
"""The arguments that a factory is called with where it has parameters of these names."""

_OTHER_RESULTS = ("None", "int", "float", "str", "bool", "dict", "list", "Tensor", "ndarray")
"""How the annotation of a function begins that makes no network."""

_UNSEEN = re.compile(
    r"import\s*\*|import\s*\(\s*\*|\b(globals|vars|locals|exec|eval|setattr|__getattr__|__dict__)\b"
)
"""What can give a file names that its text does not have."""


def factories(source: bytes) -> list[str]:
    """Return what the file's author may mean by the network: functions that return something, and torch modules.

    Both can be called with nothing but `OFFERED`. What another one of them calls is a part of that, and left out.

    Raises:
        SyntaxError: it is no Python.
        ValueError: it has a null byte in it.
    """
    body = ast.parse(source).body
    classes = {node.name: node for node in body if isinstance(node, ast.ClassDef)}
    found: dict[str, Root] = {}
    for node in body:
        if isinstance(node, ast.ClassDef) and _is_module(node, classes) and _is_callable(_init(node), skip=1):
            found[node.name] = node
        if isinstance(node, ast.FunctionDef) and _returns_a_value(node) and _is_callable(node):
            found[node.name] = node
    public = {name: node for name, node in found.items() if not name.startswith("_")}
    parts = {called for name, node in public.items() for called in _called(node) if called != name}
    return [name for name in public if name not in parts] or list(public)


def lacks(source: bytes, name: str) -> bool:
    """Return whether a file can be told to define nothing of a name: the word is nowhere in it; False if in doubt."""
    text = source.decode(errors="replace")
    return name.isascii() and not _UNSEEN.search(text) and not re.search(rf"\b{re.escape(name)}\b", text)


def _is_module(
    node: ast.ClassDef, classes: dict[str, ast.ClassDef], seen: frozenset[str] = frozenset()
) -> bool:
    """Whether a class is torch's or Lightning's `…Module`, of one in this file, or answers to `forward`."""
    if node.name in seen:
        return False
    for base in node.bases:
        name = _last_name(base)
        if name.endswith("Module") or name == "Sequential":
            return True
        if name in classes and _is_module(classes[name], classes, seen | {node.name}):
            return True
    return bool(node.bases) and any(
        isinstance(each, ast.FunctionDef) and each.name == "forward" for each in node.body
    )


def _init(node: ast.ClassDef) -> ast.FunctionDef | None:
    return next(
        (each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"), None
    )


def _is_callable(function: ast.FunctionDef | None, skip: int = 0) -> bool:
    """Whether a function needs no arguments but those that are offered; `skip` of them come by themselves."""
    if function is None:
        return True
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    needed = positional[skip : len(positional) - len(given.defaults)]
    needed += [
        each for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default is None
    ]
    return all(each.arg in OFFERED for each in needed) and not given.posonlyargs[skip:]


def _returns_a_value(function: ast.FunctionDef) -> bool:
    if function.returns is not None and _last_name(function.returns) in _OTHER_RESULTS:
        return False
    return any(isinstance(node, ast.Return) and node.value is not None for node in _own(function))


def _own(function: ast.AST) -> Iterator[ast.AST]:
    """Yield what is in a function, without what is in functions and classes inside it."""
    for child in ast.iter_child_nodes(function):
        yield child
        if not isinstance(child, Function | ast.ClassDef | ast.Lambda):
            yield from _own(child)


def _called(node: ast.AST) -> set[str]:
    return {
        each.func.id
        for each in ast.walk(node)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)
    }


def _last_name(node: ast.expr) -> str:
    """Return the last name of ``torch.nn.Module`` or ``dict[str, int]``'s ``dict``; empty for anything else."""
    if isinstance(node, ast.Subscript):
        return _last_name(node.value)
    if isinstance(node, ast.Constant):
        return str(node.value)
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
