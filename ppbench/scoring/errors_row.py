"""One row of `errors.csv`, read strictly: a wrong number is worse than none."""

from collections.abc import Mapping
from math import isfinite

from ppbench.errors import InputError, unknown
from ppbench.scoring.cell import Cell
from ppbench.scoring.names import ALL, CLEAN, is_known


def parse_row(row: Mapping[str, str], where: str) -> tuple[str, tuple[str, int], Cell]:
    """Return a row's model, its (corruption, severity) and its cell.

    Args:
        row: column -> stripped text.
        where: the file and line, for messages.

    Raises:
        InputError: the row is wrong; one line with what was expected and what was found.
    """
    model, corruption = row["model"], row["corruption"]
    if not model:
        raise InputError(f"{where}: expected a model name, got an empty field")
    if corruption != CLEAN and not is_known(corruption):
        raise InputError(f"{where}: {unknown('corruption', corruption, (*ALL, CLEAN))}")
    severity = _whole(row, "severity", where)
    if severity is None or not 0 <= severity <= 5:
        raise InputError(f"{where}: expected a severity of 1..5, or 0 for clean, got {row['severity']!r}")
    if (corruption == CLEAN) != (severity == 0):
        raise InputError(
            f"{where}: expected severity {'0' if severity else '1..5'} for {corruption}, got {severity}"
        )
    return model, (corruption, severity), _cell(row, where)


def _cell(row: Mapping[str, str], where: str) -> Cell:
    n, errors, error = _whole(row, "n", where), _whole(row, "errors", where), _error(row, where)
    if n is not None and n < 1:
        raise InputError(f"{where}: expected n of at least 1, got {n}")
    if errors is not None and n is None:
        raise InputError(f"{where}: expected n beside errors {errors}, got an empty field")
    if n is None:
        if error is None:
            raise InputError(f"{where}: expected n and errors, or error, got neither")
        return Cell.of_error(error)
    if errors is None:
        if error is None:
            raise InputError(f"{where}: expected errors or error beside n {n}, got neither")
        errors = round(error * n / 100)
    if not 0 <= errors <= n:
        raise InputError(f"{where}: expected errors of 0..n ({n}), got {errors}")
    if error is not None and abs(100 * errors / n - error) > _rounding(row["error"]):
        share = 100 * errors / n
        hint = "; is it a fraction? errors are per cent" if abs(share - 100 * error) <= 0.5 else ""
        raise InputError(f"{where}: expected error {share:.4f} ({errors} of {n}), got {row['error']}{hint}")
    return Cell(n, errors)


def _whole(row: Mapping[str, str], column: str, where: str) -> int | None:
    """Return a whole number, also when a spreadsheet or pandas wrote it as 5.0; None for an empty field."""
    text = row.get(column, "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or value != int(value):
        raise InputError(f"{where}: expected a whole number for {column}, got {text!r}")
    return int(value)


def _error(row: Mapping[str, str], where: str) -> float | None:
    text = row.get("error", "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0.0 <= value <= 100.0:
        raise InputError(f"{where}: expected an error of 0..100 per cent, got {text!r}")
    return value


def _rounding(text: str) -> float:
    """Return how far a decimal may be from the exact value if it was only rounded to the digits it has."""
    decimals = len(text.partition(".")[2]) if "e" not in text.lower() else 6
    return float(max(0.5 * 10.0**-decimals, 1e-6) + 1e-9)
