import os
import re
import struct
import subprocess
import sys
from collections import Counter, OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ppbench.errors import InputError
from ppbench.models.checkpoint import read_weights
from ppbench.models.load import load_model
from ppbench.models.reading import read
from tests.models.files_that_lie import BOMBS, Block, Call, Claimed, Made, legacy_file, pickled, zip_file
from tests.models.test_inert_pickles import Node


def refusal(path: Path) -> str:
    """The line that loading a file ends in."""
    with pytest.raises(InputError) as caught:
        load_model("resnet20", checkpoint=path)
    line = str(caught.value)
    assert line.startswith(str(path))
    assert "\n" not in line
    return line


@pytest.mark.parametrize("case", BOMBS)
def test_lies_are_refused(case: str, tmp_path: Path) -> None:
    """A file that claims what it does not hold gets one line that says which lie it is."""
    make, words = BOMBS[case]
    assert words in refusal(make(tmp_path))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak of memory from /proc")
def test_lies_cost_no_memory(tmp_path: Path) -> None:
    """Refusing them all, one after the other, takes less than 1 GB of memory, torch included."""
    paths = [str(make(tmp_path)) for make, _ in BOMBS.values()]
    script = (
        "import sys\n"
        "from ppbench.errors import InputError\n"
        "from ppbench.models.checkpoint import read_weights\n"
        "from pathlib import Path\n"
        "for path in sys.argv[1:]:\n"
        "    try: read_weights(Path(path))\n"
        "    except InputError: continue\n"
        "    raise SystemExit(path + ' was read')\n"
        # Not ru_maxrss: a new program inherits the peak of the process that started it.
        "lines = Path('/proc/self/status').read_text().splitlines()\n"
        "print(next(line.split()[1] for line in lines if line.startswith('VmHWM')))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *paths], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1_000_000  # kilobytes


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".ckpt", ".pth.tar", ".safetensors", ""])
@pytest.mark.parametrize("legacy", [False, True])
def test_code_is_not_run(suffix: str, legacy: bool, tmp_path: Path) -> None:
    """A pickle that would create a file does not, whatever its name and format; the line names what it asks for."""
    witness = tmp_path / "witness"
    content = {"state_dict": {"conv1.weight": Call(os.system, f"touch {witness}")}}
    path = tmp_path / f"evil{suffix}"
    if legacy:
        legacy_file(path, pickled(content), [], b"")
    else:
        zip_file(path, pickled(content), {})
    line = refusal(path)
    assert "posix.system" in line
    assert "--trust-checkpoint" in line
    assert not witness.exists()


def test_trust_runs_code(tmp_path: Path) -> None:
    """With the user's trust the same pickle does run: so the test above would notice."""
    witness = tmp_path / "witness"
    path = zip_file(tmp_path / "evil.pt", pickled({"a": Call(os.system, f"touch {witness}")}), {})
    with pytest.raises(InputError, match="expected weights"):
        load_model("resnet20", checkpoint=path, trust=True)
    assert witness.exists()


@pytest.mark.parametrize(
    "function", [eval, exec, __import__, getattr, open, os.remove, torch.load, torch.hub.load]
)
def test_functions_are_named(function: object, tmp_path: Path) -> None:
    """Whatever function a pickle asks for, it is refused by name."""
    assert callable(function)
    path = zip_file(tmp_path / "evil.pt", pickled({"a": Call(function, "x")}), {})
    assert function.__name__ in refusal(path)


def test_many_blocked_globals_stay_one_line(tmp_path: Path) -> None:
    """A file that needs many classes gets the first few named and the others counted."""
    calls = [Call(f, "x") for f in (eval, exec, compile, open, input, print, sorted, vars)]
    line = refusal(zip_file(tmp_path / "many.pt", pickled({"a": calls}), {}))
    assert "and 2 more" in line


@pytest.mark.parametrize("protocol", [0, 3, 4, 5])
def test_other_protocols(protocol: int, tmp_path: Path) -> None:
    """Pickles of protocols that torch's safe reader does not read are refused, not guessed at."""
    import pickle

    data = pickle.dumps({"a": Call(os.system, "true")}, protocol)
    line = refusal(zip_file(tmp_path / "protocol.pt", data, {}))
    assert "opcode" in line or "posix.system" in line


def _saved(path: Path) -> Path:
    torch.save({"state_dict": {"conv1.weight": torch.randn(16, 3, 3, 3), "fc.bias": torch.zeros(10)}}, path)
    return path


@pytest.mark.parametrize("keep", [0.05, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_truncated(kind: str, keep: float, tmp_path: Path) -> None:
    """A file cut short is refused in one line, in every format."""
    path = tmp_path / "cut"
    tensors = {"conv1.weight": torch.randn(16, 3, 3, 3), "fc.bias": torch.zeros(10)}
    if kind == "safetensors":
        save_file(tensors, path)
    else:
        torch.save(tensors, path, _use_new_zipfile_serialization=kind == "zip")
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data))])
    assert re.search("truncated|damaged", refusal(path))


def test_a_flipped_weight_in_a_zip_is_noticed(tmp_path: Path) -> None:
    """Torch does not compare the checksums of a zip file; the loader does."""
    path = _saved(tmp_path / "flipped.pt")
    data = bytearray(path.read_bytes())
    weights = torch.load(path, weights_only=True)["state_dict"]["conv1.weight"].numpy().tobytes()
    data[data.index(weights) + 5] ^= 1
    path.write_bytes(data)
    assert "checksum" in refusal(path)


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "this file is empty"),
        (b"<!DOCTYPE html><html>Not found</html>", "a web page"),
        (b"\n <html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"\x80\x04\x95\x00\x00", "a plain pickle"),
        (b"PK\x03\x04" + b"\0" * 60, "truncated or damaged file"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"hello, I am a checkpoint", "begins with b'hello, I am a ch'"),
    ],
)
def test_other_files(content: bytes, words: str, tmp_path: Path) -> None:
    """What is no checkpoint is called what it is."""
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    assert words in refusal(path)


def test_no_file(tmp_path: Path) -> None:
    """A missing file and a folder are named as such."""
    assert "no such file" in refusal(tmp_path / "none.pt")
    assert "a folder" in refusal(tmp_path)


def test_a_zip_of_something_else(tmp_path: Path) -> None:
    """A zip file that torch.save did not write is refused."""
    import numpy as np

    np.savez(tmp_path / "arrays.npz", a=np.zeros(3))
    assert "a zip file that torch.save did not write" in refusal(tmp_path / "arrays.npz")


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_what_torch_saves_is_read(kind: str, tmp_path: Path) -> None:
    """Views, shared storages, parameters, half precision, empty and scalar tensors come back as they were saved."""
    base = torch.arange(12.0)
    content = {
        "view": base.view(3, 4).t(),
        "shared": base[2:5],
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "half": torch.ones(3, dtype=torch.bfloat16),
        "empty": torch.zeros(0, 3),
        "scalar": torch.tensor(7),
        "flags": torch.tensor([True, False]),
    }
    torch.save(
        {"state_dict": content, "epoch": 3}, tmp_path / "f", _use_new_zipfile_serialization=kind == "zip"
    )
    found = read(tmp_path / "f").content
    assert found["epoch"] == 3
    for name, tensor in content.items():
        assert torch.equal(found["state_dict"][name], tensor)
        assert found["state_dict"][name].dtype == tensor.dtype


@pytest.mark.parametrize("kind", [OrderedDict, Counter, Node])
def test_methods_stay_methods(kind: type, tmp_path: Path) -> None:
    """A dictionary, or a parameter, whose state sets what its methods are called is read as if it did not."""
    hidden = dict.fromkeys(("get", "items", "keys", "values", "pop", "detach", "numel", "float", "to"), 5)
    weight = Claimed(Block(2), (2,), (1,))
    parameter = Call(torch._utils._rebuild_parameter_with_state, weight, False, OrderedDict(), hidden)
    inner = Made(kind, state=hidden, items={"layer.weight": parameter})
    content = Made(OrderedDict, state=hidden, items={"epoch": 3, "state_dict": inner})
    path = zip_file(tmp_path / "hidden.pt", pickled(content), {"0": struct.pack("<2f", 1.5, -2)})
    state = read_weights(path).state
    assert state.tensors["layer.weight"].tolist() == [1.5, -2]
    assert state.notes[-1] == "opened 'state_dict'"
