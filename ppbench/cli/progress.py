"""Progress on stderr; silent where stderr is not a terminal."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

if TYPE_CHECKING:
    from ppbench.runs.standing import Standing


class EvaluationProgress(Progress):
    """A bar over the images of a run, and below it how the models stand on the cells that are finished."""

    def __init__(self, console: Console) -> None:
        """Show nothing where the console is no terminal."""
        columns = (
            TextColumn("{task.description:<19}"),
            BarColumn(
                bar_width=10
            ),  # the numbers say more than the bar: they keep the room of a narrow terminal
            TextColumn("{task.fields[cells]}"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True),
        )
        self._standing = Text()
        super().__init__(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._run = self.add_task("loading", total=None, rate="", cells="")

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yield the bar and what stands below it."""
        yield from super().get_renderables()
        if self._standing:
            yield self._standing

    def say(self, line: str) -> None:
        """Print a line above the bar, broken between words where stderr is a terminal."""
        if self.console.is_terminal:
            from ppbench.reporting.terminal import printable

            self.console.print(Text(printable(f"ppbench: {' '.join(line.split())}")))
        else:
            typer.echo(f"ppbench: {line}", err=True)

    def on_batch(self, cell: str, images: int, total: int) -> None:
        """Move the bar: the cell's name, the images done in this batch, and the images of the whole run."""
        self.update(self._run, total=total, advance=images, description=cell)
        speed = self.tasks[0].speed
        self.update(self._run, rate=f"{speed:,.0f} img/s" if speed else "")

    def on_standing(self, standing: "Standing") -> None:
        """Say how the models stand after a finished cell."""
        self.update(self._run, cells=f"{standing.done}/{standing.cells} cells")
        self._standing = standing_line(standing)


def standing_line(standing: "Standing") -> Text:
    """Return the running score of each model: of the finished cells only, and said to be."""
    models = standing.scores.models
    with_mce = any(model.mce is not None for model in models)
    values = [(model.model, model.mce if with_mce else model.mean_error) for model in models]
    known = [f"{name} {value:.1f}" for name, value in values if value is not None]
    if not known:
        return Text()
    from ppbench.reporting.terminal import printable

    line = Text(f"running {'mCE' if with_mce else 'mean error'}", style="bold")
    return line.append(printable(f", of finished cells only: {', '.join(known)}"), style="not bold")


@contextmanager
def eval_progress() -> Iterator[EvaluationProgress]:
    """Yield the progress of an evaluation; it goes when the block ends."""
    with EvaluationProgress(Console(stderr=True)) as progress:
        yield progress


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
