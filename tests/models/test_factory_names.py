"""Which functions and classes of a Python file make a network, told without running it."""

from pathlib import Path
from textwrap import dedent

import pytest

from ppbench.errors import InputError
from ppbench.models.factory_names import factories, lacks
from ppbench.models.naming import meaning


@pytest.mark.parametrize(
    "source, names",
    [
        ("class Net(nn.Module):\n    def forward(self, x): return x", ["Net"]),
        ("class Net(torch.nn.Module): pass", ["Net"]),
        ("class Net(LightningModule): pass", ["Net"]),
        ("class Net(ResNet):\n    def forward(self, x): return x", ["Net"]),
        ("class Base(nn.Module): pass\nclass Net(Base): pass", ["Base", "Net"]),
        ("class Settings: pass\nclass Wrong(Exception): pass", []),
        ("class Net(nn.Module):\n    def __init__(self, num_classes=10, *, image_size): pass", ["Net"]),
        ("class Block(nn.Module):\n    def __init__(self, planes): pass", []),
        ("def make(num_classes): return 1\ndef block(planes): return 2", ["make"]),
        ("def make(): return 1\ndef main(): make()", ["make"]),
        ("def make(): return 1\ndef accuracy() -> float: return 2\ndef name() -> 'str': return 3", ["make"]),
        ("class Net(nn.Module): pass\ndef make(): return Net()", ["make"]),
        ("class Net(nn.Module): pass\ndef main():\n    net = Net()\n    print(net)", ["Net"]),
        ("def outer():\n    def inner(): return 1", []),
        ("def small(): return 1\ndef large(): return 2\ndef _seed(): return 3", ["small", "large"]),
        ("class A(B): pass\nclass B(A): pass", []),
    ],
)
def test_what_makes_a_network(source: str, names: list[str]) -> None:
    """Public functions that return something and torch modules, callable as they are, and no parts of another one."""
    assert factories(source.encode()) == names


@pytest.mark.parametrize(
    "source, missing",
    [
        ("def make(): return 1", True),
        ("from nets import net", False),
        ("from nets import (a,\n    net)", False),
        ("net = partial(make, 3)", False),
        ("from nets import *", False),
        ("globals()['n' + 'et'] = make", False),
        ("def __getattr__(name): return make", False),
        ("exec(text)", False),
    ],
)
def test_a_name_is_missed_only_where_nothing_can_define_it(source: str, missing: bool) -> None:
    """A file that may get names from elsewhere is imported before its function is refused."""
    assert lacks(source.encode(), "net") is missing


def _refused(model: str) -> str:
    with pytest.raises(InputError) as caught:
        meaning(model, None, None)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("ending", ["", ":"])
def test_a_file_alone_is_asked_for_its_function(ending: str, tmp_path: Path) -> None:
    """The contract, and what in the file may be meant: not merely what stands last in it."""
    file = tmp_path / "net.py"
    file.write_text(
        dedent("""
            class Net(nn.Module): pass
            def small(): return Net(3)
            class Wide(nn.Module): pass
            def accuracy(answers, labels): return (answers == labels).mean()
        """)
    )
    assert _refused(f"{file}{ending}") == (
        "expected FILE.py:FUNCTION, the file and the function or torch module in it that makes the network, "
        f"got '{file}{ending}': did you mean '{file}:small' or '{file}:Wide'?"
    )


def test_a_file_of_nothing_that_fits_is_told_the_contract_only(tmp_path: Path) -> None:
    """No function is made up."""
    (tmp_path / "net.py").write_text("x = 1")
    assert _refused(f"{tmp_path}/net.py").endswith(f"got '{tmp_path}/net.py'")


def test_a_function_that_is_not_there_is_refused_by_the_text(tmp_path: Path) -> None:
    """Without running the file, whose import would fail here; so is a file that is no Python."""
    file = tmp_path / "net.py"
    file.write_text("import no_such_package\ndef make(): return 1")
    assert _refused(f"{file}:made") == f"unknown factory in {file} 'made': did you mean 'make'?"
    file.write_text("x = 1\ny = (")
    assert (
        _refused(f"{file}:make") == f"{file}: cannot be imported: SyntaxError: '(' was never closed (line 2)"
    )
