from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppbench.errors import InputError
from ppbench.models.input_spec import INTERPOLATIONS, InputSpec, default_spec
from tests.models.specs import PUSHPULL_2020

numbers = st.floats(-100, 100)
positive = st.floats(0.01, 100)
pixels = st.integers(1, 4096)


@given(
    st.builds(
        InputSpec,
        size=pixels,
        mean=st.tuples(numbers, numbers, numbers),
        std=st.tuples(positive, positive, positive),
        resize=st.none() | pixels,
        crop=st.none() | pixels,
        interpolation=st.sampled_from(INTERPOLATIONS),
        antialias=st.booleans(),
        value_range=st.tuples(st.floats(-10, 0), st.floats(1, 300)),
        normalised_inside=st.booleans(),
    )
)
def test_round_trip(spec: InputSpec) -> None:
    """A spec comes back from its plain dictionary, and from JSON."""
    import json

    assert InputSpec.from_dict(spec.to_dict()) == spec
    assert InputSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


@pytest.mark.parametrize(
    "change, words",
    [
        ({"mean": [1, 2]}, "expected mean to be 3 numbers, got"),
        ({"mean": "0.5"}, "expected mean to be 3 numbers"),
        ({"mean": [0, 0, float("nan")]}, "expected mean to be 3 numbers"),
        ({"std": [0.1, 0.1, 0]}, "expected std to be positive"),
        ({"std": [True, 1, 1]}, "expected std to be 3 numbers"),
        ({"size": 0}, "expected size to be a whole number of pixels"),
        ({"size": None}, "expected size to be a whole number of pixels"),
        ({"resize": 2.5}, "expected resize to be a whole number of pixels"),
        ({"crop": 100_000}, "expected crop to be a whole number of pixels"),
        ({"interpolation": "lanczos"}, "expected interpolation to be one of nearest, bilinear, bicubic"),
        ({"value_range": [1, 0]}, "expected value_range to be .low, high."),
        ({"antialias": 1}, "expected antialias to be true or false"),
        ({"colour": "red"}, "unknown field 'colour'"),
    ],
)
def test_refused(change: dict[str, Any], words: str) -> None:
    """Every field is checked, with one line that names it."""
    with pytest.raises(InputError, match=words):
        InputSpec.from_dict(default_spec(32).to_dict() | change)


@pytest.mark.parametrize("name", ["size", "mean", "std"])
def test_missing(name: str) -> None:
    """A spec needs a size, a mean and a std."""
    values = default_spec(32).to_dict()
    del values[name]
    with pytest.raises(InputError, match=f"an input spec without '{name}'"):
        InputSpec.from_dict(values)


def test_published_values() -> None:
    """The 2020 checkpoints' contract is (125.3, 123.0, 113.9) and (63.0, 62.1, 66.7), of 255."""
    spec = PUSHPULL_2020
    assert [255 * m for m in spec.mean] == pytest.approx([125.3, 123.0, 113.9])
    assert [255 * s for s in spec.std] == pytest.approx([63.0, 62.1, 66.7])
