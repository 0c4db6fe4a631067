import pytest

from ppbench.errors import InputError
from ppbench.models.input_spec import spec_fields


def test_text_becomes_fields() -> None:
    """Numbers with commas become lists, one number counts for all channels, and what is not set is left out."""
    fields = spec_fields(
        mean="0.5", std="0.1,0.2, 0.3", resize=224, normalised_inside=False, value_range="0,255"
    )
    assert fields == {
        "mean": [0.5, 0.5, 0.5],
        "std": [0.1, 0.2, 0.3],
        "resize": 224,
        "value_range": [0.0, 255.0],
        "normalised_inside": False,
    }
    assert spec_fields() == {}


@pytest.mark.parametrize(
    "flags, words",
    [
        ({"mean": "a,b,c"}, "expected --mean to be 3 numbers with commas, got 'a,b,c'"),
        ({"std": "1,2"}, "expected --std to be 3 numbers with commas, got '1,2'"),
        ({"std": ""}, "expected --std to be 3 numbers"),
        ({"value_range": "255"}, "expected --value-range to be 2 numbers with commas, got '255'"),
    ],
)
def test_refused(flags: dict[str, str], words: str) -> None:
    """What is not made of so many numbers is refused in one line that names the flag."""
    with pytest.raises(InputError, match=words):
        spec_fields(**flags)  # type: ignore[arg-type]  # a table of keyword arguments
