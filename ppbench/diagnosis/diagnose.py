"""All checks, each by itself: what breaks one is its result and stops none of the others."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ppbench.diagnosis import devices, software, storage
from ppbench.diagnosis.check import Check
from ppbench.installed import AGAIN

_TRIAL = "eval --model resnet20 --data digits-c --limit 20 --corruptions fog,frost --severities 3 --no-store --json"


def diagnose(*, trial: bool = True, environment: Mapping[str, str] | None = None) -> Iterator[Check]:
    """Yield every check as soon as it is made.

    Args:
        trial: run a small evaluation, too: the only proof that one can run.
        environment: of the processes that load torch; None takes ours.
    """
    yield from _guarded("software", "packages", software.software)
    torch = devices.ask_torch(environment)
    yield from _guarded("devices", "torch", lambda: devices.devices(torch))
    for section, name, look in (
        ("data", "data sets", storage.data),
        ("data", "frost textures", storage.textures),
        ("checkpoints", "index", storage.checkpoints),
        ("storage", "folders", storage.folders),
    ):
        yield from _guarded(section, name, look)
    if trial and not isinstance(torch, str):
        yield _evaluation(environment)


def _guarded(section: str, name: str, look: Callable[[], list[Check]]) -> list[Check]:
    try:
        return look()
    except Exception as error:  # noqa: BLE001  whatever is broken, the screen is for saying so
        line = " ".join(str(error).split()) or type(error).__name__
        remedy = f"{AGAIN}, or report it with `ppbench doctor --json`"
        return [
            Check(
                section, name, "blocking", f"could not be looked at: {type(error).__name__}: {line}", remedy
            )
        ]


def _evaluation(environment: Mapping[str, str] | None) -> Check:
    """Evaluate a shipped network on 20 images, in a process and a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="ppbench-doctor-") as folder:
        command = [sys.executable, "-m", "ppbench", *_TRIAL.split(), "--out", str(Path(folder) / "run")]
        began = time.perf_counter()
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=600,
                check=False,
                env=devices.in_utf8(environment),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return Check(
                "trial", "eval", "blocking", f"{type(error).__name__}: {error}", "see the lines above"
            )
    if done.returncode:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        return Check("trial", "eval", "blocking", said[-1].removeprefix("ppbench: "), "see the lines above")
    seconds = time.perf_counter() - began
    return Check("trial", "eval", "ok", f"a shipped network answered 20 images of 3 cells in {seconds:.0f} s")
