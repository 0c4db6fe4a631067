"""The commands: what `--help` shows of one, whole however narrow the terminal; what was meant by a word it lacks."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from ppbench.cli import meant

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

PANELS = (
    "Arguments",
    "Judgement",
    "Recipe",
    "Model",
    "Input",
    "Data",
    "Corruptions",
    "Numerics",
    "Machine",
    "Run",
    "Output",
    "Other",
)
"""Every panel of every command, in the order in which they are shown."""

_BRACES = str.maketrans("", "", "{}")
"""What the parser puts around an argument that is needed; brackets are around the others."""

_NAMES_WIDTH = 26
"""Cells of a terminal that names of options may take; longer ones go on in the next line."""


_UsageError: Any = typer.BadParameter.__base__
"""Typer exports only what is derived from it."""


class Command(TyperCommand):
    """A command whose help is shown by this module; the lines of its epilog are its examples."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line; a refusal says what was probably meant."""
        with _hinting(self, ctx):
            return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help, which leaves nothing for the formatter to do."""
        del formatter
        _print(self, ctx)

    def listed(self) -> tuple[str, list[tuple[str, str]]] | None:
        """Return a title, and names with a line about each, that the help lists below the options."""
        return None


class Group(TyperGroup):
    """A command with commands below it, as `Command`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line; a refusal says what was probably meant."""
        with _hinting(self, ctx):
            return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that is named; a refusal says what was probably meant."""
        word = args[0]
        if self.get_command(ctx, word) is None and not word.startswith("-"):
            group = "" if ctx.parent is None else str(ctx.info_name)
            if hint := meant.command(group, word):
                ctx.fail(f"No such command {word!r}. {hint}")
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help, which leaves nothing for the formatter to do."""
        del formatter
        _print(self, ctx)


@contextmanager
def _hinting(command: Any, context: Any) -> Iterator[None]:
    """Add to a refusal of the parser what was probably meant by an option or a word."""
    try:
        yield
    except _UsageError as error:
        there = [name for each in command.params for name in (*each.opts, *each.secondary_opts)]
        if wrong := getattr(error, "option_name", None):
            begun = [name for name in there if len(wrong) > 3 and name.startswith(wrong)]
            error.possibilities = meant.options(wrong, there) or begun or (error.possibilities or [])[:1]
        elif found := _TOO_MANY.fullmatch(error.message):
            hint = meant.argument(str(context.info_name), found[1].split()[0], there)
            error.message = f"Unexpected argument: {found[1]}. {hint}".rstrip()
        raise


_TOO_MANY = re.compile(r"Got unexpected extra arguments?(?:\(s\))? \((.+)\)", re.DOTALL)
"""The parser's words."""


def _print(command: Any, context: Any) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    for part in _parts(command, context):
        console.print(part)


def _parts(command: Any, context: Any) -> "Iterable[RenderableType]":
    from rich.padding import Padding
    from rich.text import Text

    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)]).translate(_BRACES)
    yield Padding(Text.assemble(("Usage: ", "yellow"), (usage, "bold")), (1, 1))
    for place, paragraph in enumerate((command.help or "").split("\n\n")):
        text = Text(" ".join(paragraph.split()), style="dim" if place else "")
        yield Padding(text, (0, 1, 1, 1))
    if commands := getattr(command, "commands", None):
        rows = [(Text(name, style="bold cyan"), Text(_first_line(each))) for name, each in commands.items()]
        yield _boxed("Commands", rows)
    parameters = [each for each in command.get_params(context) if not getattr(each, "hidden", False)]
    if {each.name for each in parameters if _panel_of(each) == "Other"} == {"help"}:
        parameters = [each for each in parameters if each.name != "help"]  # who reads it knows it
    for panel in PANELS:
        if rows := [_row(each, context) for each in parameters if _panel_of(each) == panel]:
            yield _boxed(panel, rows)
    if isinstance(command, Command) and (listed := command.listed()):
        title, pairs = listed
        yield _boxed(title, [(Text(name, style="bold cyan"), Text(line)) for name, line in pairs])
    if command.epilog:
        yield Text(" Examples", style="bold")
        yield Padding(Text(command.epilog), (0, 1, 1, 3))


def _panel_of(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return "Arguments"
    return getattr(parameter, "rich_help_panel", None) or "Other"


def _first_line(command: Any) -> str:
    return " ".join((command.short_help or command.help or "").split("\n\n")[0].split())


def _row(parameter: Any, context: Any) -> "tuple[Text, Text]":
    """Return the names of an option with what it takes, and its help with the default."""
    from rich.text import Text

    words = [parameter.help or ""]
    if default := _default(parameter, context):
        words.append(f"[default: {default}]")
    elif parameter.required:
        words.append("[required]")
    text = Text(" ".join(filter(None, words)))
    text.highlight_regex(r"\[(default: [^\]]*|required)\]$", "dim")
    if parameter.param_type_name == "argument":
        several = "..." if parameter.nargs < 0 else ""
        return Text((parameter.metavar or parameter.name.upper()) + several, style="bold cyan"), text
    names = Text()
    for number, name in enumerate((*parameter.opts, *parameter.secondary_opts)):
        names.append("\n" if number else "")
        names.append(name, style="bold cyan")
    if word := _takes(parameter):
        names.append(f" {word}", style="yellow")
    return names, text


def _takes(parameter: Any) -> str:
    """Return a word for what an option takes, empty for a switch."""
    if parameter.is_flag or parameter.is_eager:
        return ""
    if parameter.metavar:
        return str(parameter.metavar)
    return {"IntRange": "N", "IntParamType": "N", "FloatRange": "NUMBER"}.get(
        type(parameter.type).__name__, "TEXT"
    )


def _default(parameter: Any, context: Any) -> str:
    """Return what is taken where an option is left out; empty where its help says it, or for a switch that is off."""
    value = parameter.get_default(context, call=False)
    if value is None or parameter.show_default is False or parameter.is_eager:
        return ""
    if isinstance(value, bool):
        names = parameter.opts if value else parameter.secondary_opts
        return names[0].removeprefix("--") if names and parameter.secondary_opts else ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _boxed(title: str, rows: "list[tuple[Text, Text]]") -> "RenderableType":
    from rich.panel import Panel
    from rich.table import Table

    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    grid.add_column(width=min(_NAMES_WIDTH, max(_width(names) for names, _ in rows)), overflow="fold")
    grid.add_column(overflow="fold", ratio=1)
    for names, text in rows:
        grid.add_row(names, text)
    return Panel(grid, title=title, title_align="left", border_style="dim")


def _width(names: "Text") -> int:
    return max(line.cell_len for line in names.split("\n"))
