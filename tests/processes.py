"""`ppbench` in a process of its own, which a test can kill or interrupt."""

import os
import signal
import subprocess
import sys


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start `ppbench` with these arguments in a process group of its own, its output kept."""
    # Where the tests run in the background of a shell they ignore interrupts, and what they start would too.
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "ppbench", *arguments],
            env={**os.environ, **environment},
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)


def end(process: subprocess.Popen[str]) -> str:
    """Wait for a process to end well, and return what it printed on stderr."""
    _, err = process.communicate(timeout=400)
    assert process.returncode == 0, err
    return err
