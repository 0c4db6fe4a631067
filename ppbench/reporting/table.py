"""A table as every format shows it: what stands where, in words and digits, and what stands out.

Builders make one of scores, a comparison, a gate or metrics; a renderer turns any of them into its format.
"""

from dataclasses import dataclass
from typing import Literal

NONE = "–"
"""What stands for a score that cannot be known."""

Tone = Literal["", "good", "bad", "open", "warning"]
"""What a verdict means, where colour can say it."""

Notes = tuple[tuple[str, str], ...]
"""What stands below a table: (label, text)."""


@dataclass(frozen=True)
class Cell:
    """What stands in one cell.

    Attributes:
        text: a number or words.
        second: a second number, which stands in brackets behind the first.
        ends: the ends of the first number's interval; None without one.
        strong: whether it stands out, in bold.
        tone: of a verdict.
        sign: a picture before a verdict, where a format has no colours.
    """

    text: str
    second: str = ""
    ends: tuple[str, str] | None = None
    strong: bool = False
    tone: Tone = ""
    sign: str = ""

    @property
    def interval(self) -> str:
        """The interval as ``[low, high]``, which need not be symmetric; empty without one."""
        return "" if self.ends is None else f"[{self.ends[0]}, {self.ends[1]}]"


@dataclass(frozen=True)
class Column:
    """A column of cells.

    Attributes:
        title: its heading.
        kind: numbers are set to the right, text to the left and over several lines.
        room: the least width of a terminal, in letters, that shows it.
        short: its heading on a terminal; empty: the title.
    """

    title: str
    kind: Literal["number", "text"] = "number"
    room: int = 0
    short: str = ""


@dataclass(frozen=True)
class Row:
    """A line of a table.

    Attributes:
        title: what it is about.
        cells: one per column.
        alone: its title where no section's title stands above it; empty: the same.
        strong: whether its title stands out.
        code: whether its title is what somebody typed.
        mark: of the footnote with its source; empty for what was measured.
        cite: BibTeX keys of what is published.
    """

    title: str
    cells: tuple[Cell, ...]
    alone: str = ""
    strong: bool = False
    code: bool = False
    mark: str = ""
    cite: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """Rows that belong together.

    Attributes:
        title: of the section; empty where none is needed.
        rows: its lines.
        ruled: whether a rule stands above it.
        apart: whether its rows must not be read as part of the means above them.
    """

    title: str
    rows: tuple[Row, ...]
    ruled: bool = False
    apart: bool = False


@dataclass(frozen=True)
class Table:
    """A table of several sections.

    Attributes:
        caption: what it shows.
        stub: heading of the titles.
        columns: of the cells.
        sections: the rows.
        parts: what the one or two numbers of each cell are; empty where the columns say it.
        splits: whether its columns may go on in another table below, where they do not fit side by side.
        heading: its own heading in a document; empty for the document's first.
    """

    caption: str
    stub: str
    columns: tuple[Column, ...]
    sections: tuple[Section, ...]
    parts: tuple[str, ...] = ()
    splits: bool = False
    heading: str = ""

    @property
    def measured_in(self) -> str:
        """The parts of a cell in words: ``CE (error)``."""
        return self.parts[0] + "".join(f" ({part})" for part in self.parts[1:]) if self.parts else ""


@dataclass(frozen=True)
class Document:
    """Tables and what they rest on.

    Attributes:
        title: what they are about.
        tables: what matters most first.
        notes: what the numbers rest on, all of it.
        brief: what every reader needs of that, for a terminal.
        bold: what a cell in bold means, which ends the first line of `brief` where bold can be shown; empty without.
        notes_title: heading of the notes; empty without one.
        level: of the title's heading, 1 the highest.
        announced: whether a terminal shows the title.
        tone: of the title.
    """

    title: str
    tables: tuple[Table, ...]
    notes: Notes
    brief: Notes
    notes_title: str = ""
    level: int = 2
    announced: bool = True
    tone: Tone = ""
    bold: str = ""


def number(value: float | None, decimals: int) -> str:
    """Return a number as tables show it; what rounds to zero has no sign, what is not known is a dash."""
    return NONE if value is None else f"{round(value, decimals) + 0.0:.{decimals}f}"


def signed(value: float, decimals: int) -> str:
    """Return a number with its sign; what rounds to zero has none."""
    rounded = round(value, decimals)
    return f"{rounded:+.{decimals}f}" if rounded else f"{0:.{decimals}f}"


def ends(
    interval: tuple[float, float] | None, decimals: int, *, signs: bool = False
) -> tuple[str, str] | None:
    """Return the texts of an interval's ends.

    None for one of no width: a model that others are measured by has no uncertainty about itself.
    """
    if interval is None or (interval[0] == interval[1] and not signs):
        return None
    low, high = (signed(end, decimals) if signs else number(end, decimals) for end in interval)
    return low, high
