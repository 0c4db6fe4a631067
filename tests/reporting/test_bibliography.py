"""BibTeX of what a table relies on: all of it, and nothing else."""

import re
import shutil
import subprocess

import pytest

from ppbench.reporting.bibliography import bibtex, cited, entries, of_name
from ppbench.reporting.provenance_line import TableContext
from ppbench.scoring.normaliser import NORMALISERS, load_normaliser
from ppbench.scoring.references import REFERENCE_DATA, references
from ppbench.scoring.scores import score

from .test_tables import CONTEXT, scored, table


def keys(text):
    """The keys of some BibTeX."""
    return re.findall(r"^@\w+\{([^,]+),$", text, re.MULTILINE)


def test_every_entry_has_what_bibtex_needs():
    """Author, title and year, balanced braces, no key twice."""
    text = bibtex(entries())
    assert len(keys(text)) == len(set(keys(text))) == len(entries()) > 15
    for key, entry in entries().items():
        for field in ("author", "title", "year"):
            assert re.search(rf"^  {field} = \{{.+\}},?$", entry, re.MULTILINE), (key, field)
        assert entry.count("{") == entry.count("}")
        assert re.search(r"year = \{(19|20)\d\d\}", entry)


def test_every_key_that_anything_cites_has_an_entry():
    """Published rows, data sets and normalisers never lead nowhere."""
    for data in (*REFERENCE_DATA, "digits-c", "cifar100-c", "tiny-imagenet-c"):
        rows = references(data) if data in REFERENCE_DATA else ()
        for normaliser in NORMALISERS:
            scores = score([table("resnet50-pp augmix", 100)], load_normaliser(normaliser))
            assert set(cited(scores, TableContext(data), rows)) <= entries().keys()


@pytest.mark.parametrize(
    "name, expected",
    [
        ("resnet50-pp", {"bennabhaktula2024pushpull", "he2016deep"}),
        ("resnet20-pp5", {"bennabhaktula2024pushpull", "he2016deep"}),
        ("resnet20-pp2020", {"strisciuglio2020enhanced", "he2016deep"}),
        ("torchvision:wide_resnet50_2", {"he2016deep"}),
        ("resnet50_prime_augmix", {"he2016deep", "modas2022prime", "hendrycks2020augmix"}),
        ("alexnet (stem) #2", {"krizhevsky2012imagenet"}),
        ("apple", set()),
        ("primed-net", set()),
        ("", set()),
    ],
)
def test_a_name_speaks_of_whole_words_only(name, expected):
    """What a name says is cited, what it merely contains is not."""
    assert set(of_name(name.replace("_prime", "-prime"))) == expected


def test_a_table_cites_its_benchmark_data_networks_and_method():
    """A small run on the digits: no ImageNet, no AugMix, no published result."""
    scores = scored("alexnet", "mine", baseline="alexnet")
    found = cited(scores, CONTEXT, architectures={"mine": "resnet20-pp"})
    assert found == (
        "hendrycks2019benchmarking", "alpaydin1998optical", "krizhevsky2012imagenet", "bennabhaktula2024pushpull",
        "he2016deep",
    )  # fmt: skip
    assert keys(bibtex(found)) == list(found)


def test_published_rows_bring_their_papers():
    """The sources of the rows that are shown, each once."""
    found = cited(score([table("a", 100)]), TableContext("imagenet-c"), references("imagenet-c"))
    assert {"modas2022prime", "hendrycks2020augmix", "croce2021robustbench"} <= set(found)
    assert len(found) == len(set(found))
    assert "strisciuglio2020enhanced" not in found


def test_bibtex_reads_the_whole_file(tmp_path):
    """The program itself finds no error and no warning."""
    if shutil.which("bibtex") is None:
        pytest.skip("needs bibtex")
    (tmp_path / "references.bib").write_text(bibtex(entries()), encoding="utf-8")
    (tmp_path / "t.aux").write_text("\\citation{*}\n\\bibstyle{plain}\n\\bibdata{references}\n")
    done = subprocess.run(["bibtex", "t"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "Warning" not in done.stdout
    assert (tmp_path / "t.bbl").read_text().count("\\bibitem") == len(entries())
