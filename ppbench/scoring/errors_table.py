"""What was counted: one model's errors, cell by cell, and the file they live in, `errors.csv`.

Everything that is scored starts here. Reading is strict: a wrong number is worse than none.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ppbench.atomic import write_text
from ppbench.errors import InputError
from ppbench.scoring.cell import Cell
from ppbench.scoring.errors_row import parse_row
from ppbench.scoring.names import CLEAN, SEVERITIES, check_known, in_order

COLUMNS = ("model", "corruption", "severity", "n", "errors", "error", "ci_low", "ci_high")
_NEEDED = ("model", "corruption", "severity")


@dataclass(frozen=True)
class ErrorTable:
    """The errors of one model.

    Attributes:
        model: its name.
        clean: its error on the clean images; None where it was not measured.
        cells: (corruption, severity 1..5) -> cell; any subset of the 15 + 4 corruptions and 5 severities.
    """

    model: str
    clean: Cell | None
    cells: Mapping[tuple[str, int], Cell]

    def __post_init__(self) -> None:
        for corruption, severity in self.cells:
            check_known(corruption)
            if severity not in SEVERITIES:
                raise InputError(f"expected a severity of 1..5 for {corruption}, got {severity}")
        # In the order of the benchmark, whatever order they came in: sums then never depend on it.
        names = in_order(corruption for corruption, _ in self.cells)
        ordered = {(c, s): self.cells[c, s] for c in names for s in SEVERITIES if (c, s) in self.cells}
        object.__setattr__(self, "cells", MappingProxyType(ordered))

    @classmethod
    def from_counts(cls, model: str, counts: Mapping[tuple[str, int], tuple[int, int]]) -> "ErrorTable":
        """Return the table of counted errors.

        Args:
            model: its name.
            counts: (corruption, severity) -> (images, misclassified); the clean images are ``("clean", 0)``.
        """
        cells = {key: Cell(n, errors) for key, (n, errors) in counts.items()}
        return cls(model, cells.pop((CLEAN, 0), None), cells)

    @property
    def corruptions(self) -> tuple[str, ...]:
        """The corruptions that have a cell, in the order of the benchmark."""
        return tuple(dict.fromkeys(corruption for corruption, _ in self.cells))

    def errors_of(self, corruption: str) -> dict[int, float]:
        """Return severity -> error (per cent) of a corruption, severities rising; empty without a cell.

        Raises:
            InputError: there is no such corruption; the near miss is suggested.
        """
        check_known(corruption, self.corruptions)
        return {s: cell.error for (c, s), cell in self.cells.items() if c == corruption}


def write_errors_csv(path: Path, tables: Iterable[ErrorTable]) -> None:
    """Write the tables to `path` atomically; the same tables give the same bytes.

    Errors and their Wilson 95 % bounds are per cent with four decimals; the counts hold the exact value.
    """
    write_text(path, errors_csv_text(tables))


def errors_csv_text(tables: Iterable[ErrorTable]) -> str:
    """Return the text of `errors.csv`: the clean row first, then cells in the order of the benchmark."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for table in tables:
        if table.clean is not None:
            writer.writerow([table.model, CLEAN, 0, *_numbers(table.clean)])
        for (corruption, severity), cell in table.cells.items():
            writer.writerow([table.model, corruption, severity, *_numbers(cell)])
    return out.getvalue()


def _numbers(cell: Cell) -> tuple[str, ...]:
    if cell.interval is None:
        return "", "", repr(cell.error), "", ""
    low, high = cell.interval
    return str(cell.n), str(cell.errors), f"{cell.error:.4f}", f"{low:.4f}", f"{high:.4f}"


def read_errors_csv(path: Path) -> list[ErrorTable]:
    """Read an errors file: one table per model, in the order in which the models first appear.

    Needed are the columns `model`, `corruption`, `severity` and either `n` and `errors` or `error` (per
    cent); others are ignored, the interval too (it follows from the counts). The clean row is `clean,0`.

    Raises:
        InputError: the file cannot be read, or a row is wrong: it names the file, the line, what was expected
            and what was found.
    """
    rows: dict[str, dict[tuple[str, int], Cell]] = {}
    first_line: dict[tuple[str, str, int], int] = {}
    for line, row in _rows(path):
        where = f"{path}, line {line}"
        model, key, cell = parse_row(row, where)
        if (model, *key) in first_line:
            raise InputError(
                f"{where}: expected one row per model, corruption and severity, got "
                f"{model},{key[0]},{key[1]} again (first in line {first_line[model, *key]})"
            )
        first_line[model, *key] = line
        rows.setdefault(model, {})[key] = cell
    if not rows:
        raise InputError(f"{path}: has no row below the header")
    _refuse_fractions(path, rows)
    tables = []
    for model, cells in rows.items():
        clean = cells.pop((CLEAN, 0), None)
        tables.append(ErrorTable(model, clean, cells))
    return tables


def _rows(path: Path) -> Iterable[tuple[int, dict[str, str]]]:
    """Yield (line number, column -> stripped text) of each row that is not blank."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not in UTF-8 (byte {error.object[error.start]:#04x}): save it as CSV in UTF-8"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(path, header)
        for fields in reader:
            if not any(field.strip() for field in fields):
                continue
            if len(fields) != len(header):
                where = f"{path}, line {reader.line_num}"
                raise InputError(
                    f"{where}: expected {len(header)} fields as in the header, got {len(fields)}"
                )
            yield reader.line_num, dict(zip(header, (field.strip() for field in fields), strict=True))
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: not a row of CSV: {error}") from None


def _check_header(path: Path, header: list[str]) -> None:
    missing = [name for name in _NEEDED if name not in header]
    if not missing and "error" not in header and not {"n", "errors"} <= set(header):
        missing = ["error"]
    if missing:
        got = ",".join(header)[:100] or "an empty line"
        raise InputError(
            f"{path}, line 1: expected a column {missing[0]!r} (of {','.join(COLUMNS)}), got {got}"
        )
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice:
        raise InputError(f"{path}, line 1: expected each column once, got {twice!r} twice")


def _refuse_fractions(path: Path, rows: Mapping[str, Mapping[tuple[str, int], Cell]]) -> None:
    """Refuse a model whose errors are all at most 1 and nonzero somewhere: 0.0740 was meant as 7.40 %.

    Counts leave no doubt about the scale, so a model with counted cells is taken as it is.
    """
    for model, cells in rows.items():
        stated = [cell.error for cell in cells.values()]
        if any(cell.n is not None for cell in cells.values()) or not 0 < max(stated) <= 1:
            continue
        raise InputError(
            f"{path}: expected per cent (7.40 means 7.40 %), got {len(stated)} errors of {model} that "
            f"are all at most {max(stated):g}: multiply fractions by 100, or add the columns n and errors"
        )
