"""`errors.csv`: written to the byte, read strictly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppbench.errors import InputError
from ppbench.scoring.cell import Cell
from ppbench.scoring.errors_table import ErrorTable, errors_csv_text, read_errors_csv, write_errors_csv
from ppbench.scoring.names import ALL, SEVERITIES

from .tables import counted_tables

HEADER = "model,corruption,severity,n,errors,error,ci_low,ci_high"


def read(tmp_path, text):
    """The tables of a file with this text."""
    path = tmp_path / "errors.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_errors_csv(path)


def refusal(tmp_path, text):
    """The one line a file with this text is refused in."""
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert "\n" not in message
    assert "errors.csv" in message
    said = ("expected", "did you mean", "not in UTF-8", "not a row of CSV", "has no row")
    assert any(words in message for words in said)
    return message


def test_the_file_has_the_documented_columns_and_the_clean_row_first(tmp_path):
    """Columns of the contract; the clean row is `clean,0`; numbers are per cent with Wilson bounds."""
    table = ErrorTable(
        "alexnet", Cell(500, 37), {("fog", 5): Cell(500, 250), ("gaussian_noise", 1): Cell(500, 0)}
    )
    write_errors_csv(tmp_path / "errors.csv", [table])
    assert (tmp_path / "errors.csv").read_text().splitlines() == [
        HEADER,
        "alexnet,clean,0,500,37,7.4000,5.4161,10.0335",
        "alexnet,gaussian_noise,1,500,0,0.0000,0.0000,0.7624",
        "alexnet,fog,5,500,250,50.0000,45.6341,54.3659",
    ]


@given(st.data())
def test_what_is_written_is_read_back_equal(tmp_path_factory, data):
    """Writing and reading give the same tables: counted or stated, clean or not, whatever the name."""
    names = data.draw(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1),
            min_size=1,
            max_size=3,
            unique=True,
        )
    )
    counted = st.integers(1, 50_000).flatmap(lambda n: st.integers(0, n).map(lambda e: Cell(n, e)))
    cell = st.one_of(counted, st.floats(2, 100).map(Cell.of_error))
    keys = st.tuples(st.sampled_from(ALL), st.sampled_from(SEVERITIES))
    tables = [
        ErrorTable(
            name, data.draw(st.none() | cell), data.draw(st.dictionaries(keys, cell, min_size=1, max_size=8))
        )
        for name in names
    ]
    path = tmp_path_factory.mktemp("csv") / "errors.csv"
    write_errors_csv(path, tables)
    assert read_errors_csv(path) == tables


@given(counted_tables(corruptions=("fog", "snow")), st.randoms())
def test_the_order_of_rows_means_nothing(tmp_path_factory, table, random):
    """Shuffled rows give an equal table, which is written in the benchmark's order."""
    head, *rows = errors_csv_text([table]).splitlines()
    random.shuffle(rows)
    path = tmp_path_factory.mktemp("csv") / "errors.csv"
    path.write_text("\n".join([head, *rows]))
    assert errors_csv_text(read_errors_csv(path)) == errors_csv_text([table])


def test_a_foreign_file_needs_only_the_error(tmp_path):
    """Without n and errors the stated error is kept, and there is no interval."""
    (table,) = read(tmp_path, "model,corruption,severity,error\npaper,clean,0,7.4\npaper,fog,3,12.5\n")
    assert (table.clean.error, table.cells["fog", 3].error) == (7.4, 12.5)
    assert table.clean.interval is None


def test_counts_alone_are_enough_and_a_rounded_error_beside_n_finds_its_count(tmp_path):
    """`n,errors` without `error` reads; `n,error` without `errors` takes the nearest count."""
    (table,) = read(tmp_path, "model,corruption,severity,n,errors\na,fog,1,10000,812\n")
    assert table.cells["fog", 1] == Cell(10000, 812)
    (table,) = read(tmp_path, "model,corruption,severity,n,error\na,fog,1,10000,8.12\n")
    assert table.cells["fog", 1] == Cell(10000, 812)


def test_spreadsheets_are_read(tmp_path):
    """A byte-order mark, CRLF, blank lines, spaces, counts written `500.0` and unknown columns do no harm."""
    text = "\ufeffmodel, corruption,severity,n,errors,error,x\r\n a ,fog,1.0,500.0,40.0,8,y\r\n\r\n,,,,,,\r\n"
    (table,) = read(tmp_path, text)
    assert (table.model, table.cells["fog", 1]) == ("a", Cell(500, 40))


BAD_ROWS = {
    "near miss": (
        "a,gausian_noise,1,500,40,8.0,,",
        "unknown corruption 'gausian_noise': did you",
    ),
    "severity 6": ("a,fog,6,500,40,8.0,,", "expected a severity of 1..5, or 0 for clean, got '6'"),
    "severity -1": ("a,fog,-1,500,40,8.0,,", "got '-1'"),
    "severity 1.5": ("a,fog,1.5,500,40,8.0,,", "expected a whole number for severity, got '1.5'"),
    "no severity": ("a,fog,,500,40,8.0,,", "expected a severity of 1..5, or 0 for clean, got ''"),
    "severity 0 of a corruption": ("a,fog,0,500,40,8.0,,", "expected severity 1..5 for fog, got 0"),
    "clean with a severity": ("a,clean,3,500,40,8.0,,", "expected severity 0 for clean, got 3"),
    "no model": (",fog,1,500,40,8.0,,", "expected a model name"),
    "error above 100": ("a,fog,1,,,100.5,,", "expected an error of 0..100 per cent, got '100.5'"),
    "negative error": ("a,fog,1,,,-2,,", "expected an error of 0..100 per cent, got '-2'"),
    "nan": ("a,fog,1,,,nan,,", "expected an error of 0..100 per cent, got 'nan'"),
    "infinite": ("a,fog,1,,,inf,,", "expected an error of 0..100 per cent, got 'inf'"),
    "a word for a number": ("a,fog,1,,,eight,,", "got 'eight'"),
    "nan images": ("a,fog,1,nan,40,8.0,,", "expected a whole number for n, got 'nan'"),
    "no images": ("a,fog,1,0,0,0,,", "expected n of at least 1, got 0"),
    "more errors than images": ("a,fog,1,500,501,,,", "expected errors of 0..n (500), got 501"),
    "negative count": ("a,fog,1,500,-1,,,", "expected errors of 0..n (500), got -1"),
    "errors without n": ("a,fog,1,,40,8.0,,", "expected n beside errors 40"),
    "n alone": ("a,fog,1,500,,,,", "expected errors or error beside n 500"),
    "no number at all": ("a,fog,1,,,,,", "expected n and errors, or error"),
    "error is not errors/n": ("a,fog,1,500,40,9.0,,", "expected error 8.0000 (40 of 500), got 9.0"),
    "error as a fraction": ("a,fog,1,500,40,0.08,,", "is it a fraction? errors are per cent"),
    "error is no share of n": ("a,fog,1,10,,8.0000,,", "expected error 10.0000 (1 of 10), got 8.0000"),
    "a field too few": ("a,fog,1,500,40,8.0,", "expected 8 fields as in the header, got 7"),
    "a field too many": ("a,fog,1,500,40,8.0,,,", "expected 8 fields as in the header, got 9"),
    "an open quote": ('a,fog,1,500,40,"8.0,,', "not a row of CSV"),
}


@pytest.mark.parametrize("row, says", BAD_ROWS.values(), ids=BAD_ROWS.keys())
def test_a_bad_row_is_one_line_with_file_and_line(tmp_path, row, says):
    """Each bad row is refused in one line: the file, the line, what was expected, what was found."""
    message = refusal(tmp_path, f"{HEADER}\na,snow,1,500,40,8.0,,\n{row}\n")
    assert "line 3: " in message
    assert says in message


def test_a_cell_that_comes_twice_is_refused_with_both_lines(tmp_path):
    """Duplicates are not averaged, not overwritten: the two lines are named."""
    message = refusal(
        tmp_path, f"{HEADER}\na,fog,1,500,40,8.0,,\nb,fog,1,500,40,8.0,,\na,fog,1,500,41,8.2,,\n"
    )
    assert "line 4" in message
    assert "a,fog,1 again (first in line 2)" in message


BAD_FILES = {
    "empty": ("", "expected a column 'model'"),
    "header only": (f"{HEADER}\n", "has no row below the header"),
    "no header": ("a,fog,1,500,40,8.0,,\n", "expected a column 'model'"),
    "no error column": ("model,corruption,severity,n\na,fog,1,5\n", "expected a column 'error'"),
    "semicolons": ("model;corruption;severity;error\na;fog;1;8\n", "expected a column 'model'"),
    "a column twice": ("model,corruption,severity,error,error\na,fog,1,8,8\n", "got 'error' twice"),
    "not text": (b"\x89PNG\r\n\xff\x00", "not in UTF-8"),
}


@pytest.mark.parametrize("text, says", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_file_that_is_no_errors_file_is_refused(tmp_path, text, says):
    """An empty file, a missing column, another separator or another kind of file is said in one line."""
    assert says in refusal(tmp_path, text)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    """What cannot be opened is an input error that names the path."""
    for path in (tmp_path / "no.csv", tmp_path):
        with pytest.raises(InputError, match="cannot be read") as caught:
            read_errors_csv(path)
        assert str(path) in str(caught.value)


def test_fractions_are_refused_with_the_way_out(tmp_path):
    """Stated errors that are all at most 1 were fractions; they are never scored a hundredfold low."""
    rows = "".join(f"paper,fog,{s},0.{s}5\n" for s in SEVERITIES)
    message = refusal(tmp_path, f"model,corruption,severity,error\n{rows}")
    assert "expected per cent (7.40 means 7.40 %), got 5 errors of paper that are all at most 0.55" in message
    assert "multiply fractions by 100" in message


def test_small_errors_with_counts_are_no_fractions(tmp_path):
    """Counts leave no doubt about the scale: a model at 0.4 % is taken as it is."""
    (table,) = read(tmp_path, f"{HEADER}\na,fog,1,500,2,0.4,,\n")
    assert table.cells["fog", 1].error == 0.4
