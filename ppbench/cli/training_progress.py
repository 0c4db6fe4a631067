"""The progress of a training on stderr: a bar on a terminal, else a line an epoch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from ppbench.training.progress import Progress as Trained


@contextmanager
def training_progress() -> Iterator[Callable[["Trained"], None]]:
    """Yield a function that says where a training is; the bar goes when the block ends."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:<14}"),
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]:>11}"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("loading", total=None, loss="")

        def on_step(done: "Trained") -> None:
            if console.is_terminal:
                # The loss of every 20th step: to look at it is to wait for the device.
                text = {"loss": f"loss {float(done.loss):.3f}"} if done.step % 20 == 0 else {}
                bar.update(
                    task,
                    total=done.steps,
                    completed=done.step,
                    description=f"epoch {done.epoch}/{done.epochs}",
                    **text,  # type: ignore[arg-type]  # fields of the task, which rich takes as keywords
                )
            if done.ends_epoch:
                spent = done.seconds
                left = spent / (done.step - done.first_step) * (done.steps - done.step)
                where = f"epoch {done.epoch}/{done.epochs}  loss {float(done.loss):.4f}"
                line = f"{where}  {spent:.0f} s, {left:.0f} s left"
                bar.console.print(line, highlight=False) if console.is_terminal else typer.echo(
                    line, err=True
                )

        yield on_step
