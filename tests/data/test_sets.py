"""Opening a data set by name."""

from pathlib import Path

import numpy as np
import pytest

from ppbench.data.cifar import LAYOUTS
from ppbench.data.registry import DATA_SETS
from ppbench.data.sets import open_data
from ppbench.data.training_sets import open_training
from ppbench.errors import InputError
from tests.data.cifar_folders import batch, images_of, labels_of, published


@pytest.fixture(autouse=True)
def nowhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds the data of the machine it runs on."""
    empty = tmp_path_factory.mktemp("nowhere")
    monkeypatch.chdir(empty)
    monkeypatch.setenv("XDG_DATA_HOME", str(empty / "user"))
    monkeypatch.delenv("PPBENCH_DATA", raising=False)


def _clean(root: Path, count: int = 4) -> None:
    batch(root / LAYOUTS["cifar-10-batches-py"].folder / "test_batch", images_of(count), labels_of(count))


def test_the_digits_need_no_root() -> None:
    """The embedded set is generated from 500 clean images of the cifar-c protocol."""
    source = open_data("digits-c")
    assert (source.source, source.protocol, source.num_classes) == ("generated", "cifar-c", 10)
    assert source.image_size == (32, 32)
    assert source.full_size == len(source.ids) == len(source.labels) == 500
    assert source.clean is not None
    assert source.digest == source.clean.digest
    with pytest.raises(ValueError, match="generated from clean images"):
        source.cell("fog", 1)


@pytest.mark.parametrize("name", [name for name, spec in DATA_SETS.items() if spec.fetch])
def test_a_set_that_is_not_here_says_how_to_get_it(name: str) -> None:
    """One line says where it was looked for, what to fetch and where to put it."""
    with pytest.raises(InputError, match="https://") as caught:
        open_data(name)
    assert "\n" not in str(caught.value)
    assert "user/ppbench" in str(caught.value)


def test_a_limit_takes_a_stratified_subset_with_the_ids_of_the_whole(test_data: Path) -> None:
    """Image 417 of the subset's ids is image 417 of the file."""
    root = test_data / "cifar10" / "test-first1000.npz"
    whole, part = open_data("cifar10-c", root=root), open_data("cifar10-c", root=root, limit=50, seed=2)
    assert whole.clean is not None
    assert part.clean is not None
    assert part.full_size == 1000
    assert (part.clean.images[:] == whole.clean.images[part.ids]).all()
    assert (part.labels == whole.labels[part.ids]).all()
    assert np.bincount(part.labels, minlength=10).min() >= 4
    assert part.digest != whole.digest


def test_published_is_preferred_and_clean_is_found_beside_it(tmp_path: Path) -> None:
    """`auto` reads the published files and takes the clean row from the test set next to them."""
    made = published(tmp_path / "CIFAR-10-C")
    _clean(tmp_path)
    for root in (tmp_path, tmp_path / "CIFAR-10-C"):
        source = open_data("cifar10-c", root=root, corruptions=["snow"], limit=3)
        assert source.source == "published"
        assert source.clean is not None
        assert (source.clean.images[:] == images_of(4)[source.ids]).all()
        cell = source.cell("snow", 2)
        assert (cell.images[:] == made["snow"][4:8][source.ids]).all()
        assert cell.ids.tolist() == source.ids.tolist()
        assert not source.notes


def test_generated_ignores_published_files(tmp_path: Path) -> None:
    """`--source generated` starts from the clean images even where published files are."""
    published(tmp_path / "CIFAR-10-C")
    _clean(tmp_path)
    assert open_data("cifar10-c", root=tmp_path, source="generated").source == "generated"
    assert open_data("cifar10-c", root=tmp_path, source="published").source == "published"


def test_clean_images_of_another_set_are_not_taken(tmp_path: Path) -> None:
    """A published folder of 4 beside a test set of 6: no clean row, and one note that says why and what to do."""
    published(tmp_path / "CIFAR-10-C")
    _clean(tmp_path, 6)
    source = open_data("cifar10-c", root=tmp_path)
    assert source.clean is None
    (note,) = source.notes
    assert note == (
        f"no clean error, no relative scores: {tmp_path}/CIFAR-10-C has 4 images, the clean ones found beside it "
        "are 6: put those that it was made from there"
    )


def test_published_without_clean_has_no_clean_row(tmp_path: Path) -> None:
    """The published folder holds no clean images; that is no mistake, and one note says what is missing."""
    published(tmp_path)
    source = open_data("cifar10-c", root=tmp_path)
    assert source.clean is None
    (note,) = source.notes
    assert note == (
        f"no clean error, no relative scores: no clean images of {tmp_path} were found beside it: "
        "put cifar-10-batches-py/ there"
    )


def test_the_usual_places_are_searched_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`$PPBENCH_DATA` before `./data` before the user's folder."""
    for count, place in enumerate(("user/ppbench", "data", "named"), 2):
        folder = Path(place).absolute()
        _clean(folder, count)
        if place == "named":
            monkeypatch.setenv("PPBENCH_DATA", str(folder))
        assert open_data("cifar10-c").full_size == count


def test_cifar100_has_a_hundred_classes(tmp_path: Path) -> None:
    """The same layouts under the other names."""
    batch(tmp_path / "cifar-100-python" / "test", images_of(2), np.array([99, 1]), b"fine_labels")
    source = open_data("cifar100-c", root=tmp_path)
    assert source.num_classes == 100
    assert source.labels.tolist() == [99, 1]


def test_generated_digits_can_be_read_back(tmp_path: Path) -> None:
    """A folder that was generated from the digits is a published set of them, with the embedded clean images."""
    labels = open_data("digits-c").labels
    np.save(tmp_path / "labels.npy", np.tile(labels, 5))
    np.save(tmp_path / "fog.npy", np.zeros((2500, 32, 32, 3), np.uint8))
    source = open_data("digits-c", root=tmp_path, corruptions=["fog"])
    assert source.source == "published"
    assert source.clean is not None
    assert len(source.clean) == 500


REFUSED = {
    "unknown name": (("cifar10c",), {}, "did you mean 'cifar10-c'"),
    "unknown source": (("digits-c",), {"source": "publish"}, "did you mean 'published'"),
    "severity 6": (("digits-c",), {"severities": [1, 6]}, "severities from 1 to 5, got 6"),
    "limit 0": (("digits-c",), {"limit": 0}, "from 1 to the 500 images"),
    "limit above": (("digits-c",), {"limit": 501}, "got 501"),
    "published digits": (("digits-c",), {"source": "published"}, "nothing is published for digits-c"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_arguments_are_one_line(case: str) -> None:
    """Names with their near miss, numbers with their bounds."""
    names, options, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        open_data(*names, **options)


def test_a_root_without_the_set_says_what_is_there(tmp_path: Path) -> None:
    """A nonexistent root, an empty folder, a folder with something else, a file that is no folder."""
    with pytest.raises(InputError, match="nowhere: no such file or folder: needed is "):
        open_data("cifar10-c", root=tmp_path / "nowhere")
    with pytest.raises(InputError, match="got an empty folder"):
        open_data("cifar10-c", root=tmp_path)
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(InputError, match=r"got a folder with notes\.txt"):
        open_data("cifar10-c", root=tmp_path)
    with pytest.raises(InputError, match="expected a whole"):
        open_data("cifar10-c", root=tmp_path / "notes.txt")
    with pytest.raises(InputError, match="got a file"):
        open_data("cifar10-c", root=tmp_path / "notes.txt", source="published")


def test_a_missing_corruption_is_refused_before_the_work(tmp_path: Path) -> None:
    """Every corruption of the run is looked for when the set is opened."""
    published(tmp_path)
    with pytest.raises(InputError, match=r"has no glass_blur\.npy"):
        open_data("cifar10-c", root=tmp_path, corruptions=["snow", "glass_blur"])


def test_training_images_go_with_the_test_images(tmp_path: Path) -> None:
    """CIFAR's from the batches; a root without them is refused."""
    _clean(tmp_path)
    for number in range(1, 6):
        batch(tmp_path / "cifar-10-batches-py" / f"data_batch_{number}", images_of(2, number), labels_of(2))
    train, test = open_training("cifar10-c", root=tmp_path)
    assert (len(train), len(test)) == (10, 4)
    with pytest.raises(InputError, match=r"cifar-10-batches-py/ or train/ .* in "):
        open_training("cifar10-c", root=tmp_path / "nowhere")
    with pytest.raises(InputError, match="leave --root and --test out"):
        open_training("digits-c", root=tmp_path)
