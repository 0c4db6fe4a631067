"""Progress on stderr; silent where stderr is not a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

OnBatch = Callable[[str, int, int], None]
"""Called with the cell's name, the images done in this batch, and the images of the whole run."""


@contextmanager
def eval_progress() -> Iterator[OnBatch]:
    """Yield a function that moves the bar; the bar goes when the block ends."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:<22}"),
        BarColumn(bar_width=12),  # the numbers say more than the bar: they keep the room of a narrow terminal
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:>6} img/s"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("loading", total=None, rate="")

        def on_batch(cell: str, images: int, total: int) -> None:
            progress.update(task, total=total, advance=images, description=cell)
            speed = progress.tasks[task].speed
            progress.update(task, rate=f"{speed:.0f}" if speed else "")

        yield on_batch


@contextmanager
def cell_progress() -> Iterator[Callable[[tuple[str, int], int], None]]:
    """Yield a function that moves the bar by one cell, given the cell and the number of all."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:<22}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("loading", total=None)

        def on_cell(cell: tuple[str, int], total: int) -> None:
            progress.update(task, total=total, advance=1, description=f"{cell[0]} {cell[1]}")

        yield on_cell
