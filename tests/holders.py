"""A process that holds something, with a child that outlives it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_IN_THE_BLOCK = """
    # The child says it: a fork gives a lock back in the child only when it first runs.
    if not os.fork():
        print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def holder(head: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """Yield the process as soon as it holds; afterwards it and its child are killed.

    Args:
        head: lines of Python up to the colon of the `with` that holds `path`.
        path: what is held.
    """
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import os, sys, time\nfrom pathlib import Path\npath = Path(sys.argv[1])\n{head}{_IN_THE_BLOCK}",
            str(path),
        ],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
