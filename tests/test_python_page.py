"""docs/python.md: every example on the page runs, in the page's order."""

import re
import warnings
from pathlib import Path

import pytest
import torch

import ppbench

PAGE = Path(__file__).parent.parent / "docs" / "python.md"


@pytest.mark.slow
def test_every_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks are one session; the untrained network of the page is warned about, at a line of the page."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 7
    session: dict[str, object] = {"__name__": "page"}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ppbench.EvaluationWarning)
        for number, block in enumerate(blocks):
            exec(compile(block, f"python.md block {number}", "exec"), session)  # noqa: S102  our own page
    told = [warning for warning in caught if warning.category is ppbench.EvaluationWarning]
    assert any(re.match("mine: clean error .* is near chance", str(warning.message)) for warning in told)
    assert {warning.filename for warning in told} <= {f"python.md block {n}" for n in range(len(blocks))}
    run = session["run"]
    assert isinstance(run, ppbench.Run)
    assert set(run.errors["corruption"]) == {"clean", "fog"}
