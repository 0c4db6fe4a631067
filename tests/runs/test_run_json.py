"""run.json: its published schema, and folders of other versions."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
from PIL import Image

import ppbench
from ppbench.errors import InputError
from ppbench.models.input_spec import default_spec
from ppbench.models.loaded_model import LoadedModel
from ppbench.runs.manifest import read_manifest, schema

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "run.schema.json").read_text())
SMALL = {"corruptions": "fog", "severities": [5], "limit": 20}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run with a measured normaliser."""
    out = tmp_path_factory.mktemp("schema") / "run"
    ppbench.evaluate(["alexnet", "resnet20"], out=out, baseline_model="alexnet", **SMALL)
    return out


@pytest.fixture
def manifest(folder: Path) -> dict[str, Any]:
    """Its run.json."""
    return json.loads((folder / "run.json").read_text())


def _validate(manifest: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(
        SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    validator.validate(manifest)


@pytest.mark.parametrize("normaliser", ["measured", "auto", "none"])
def test_a_real_run_is_valid(normaliser: str, tmp_path: Path) -> None:
    """Whatever it is normalised by."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    ppbench.evaluate("alexnet", out=tmp_path, normaliser=normaliser, **SMALL)
    _validate(json.loads((tmp_path / "run.json").read_text()))


@pytest.mark.parametrize(
    "data, names, classes, order, folders",
    [
        ("folder-c", ("cat", "dog"), 2, "text", ["cat", "dog"]),
        ("imagenet-c", ("n01440764", "n01443537"), 1000, "known", None),
    ],
)
def test_a_run_on_class_folders_says_whose_labels_they_are(
    data: str, names: tuple[str, ...], classes: int, order: str, folders: list[str] | None, tmp_path: Path
) -> None:
    """Folder by folder, or by the set's own list; the file is valid, and every key described."""
    for name in names:
        (tmp_path / "set" / name).mkdir(parents=True)
        Image.new("RGB", (30, 30)).save(tmp_path / "set" / name / "0.png")
    module = torch.nn.Sequential(torch.nn.AvgPool2d(224), torch.nn.Flatten(), torch.nn.Linear(3, classes))
    model = LoadedModel("mine", "mine", module, default_spec(224), classes, spec_source="the test")
    options = {"corruptions": "brightness", "severities": [5], "normaliser": "none"}
    ppbench.evaluate(model, data=data, root=tmp_path / "set", out=tmp_path / "run", **options)
    manifest = json.loads((tmp_path / "run" / "run.json").read_text())
    _validate(manifest)
    assert list(_undescribed(manifest, SCHEMA, "run.json")) == []
    told = manifest["data"]["classes"]
    assert (told["order"], told["folders"]) == (order, folders)
    manifest["data"]["classes"] = {**told, "order": "guessed"}
    with pytest.raises(jsonschema.ValidationError):
        _validate(manifest)


def _undescribed(value: Any, schema: dict[str, Any], place: str) -> Iterator[str]:
    """The keys of a value that its schema does not describe."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    for option in schema.get("anyOf", []):
        if (option.get("type") == "null") == (value is None):
            yield from _undescribed(value, option, place)
            return
    if isinstance(value, list) and "items" in schema:
        for item in value:
            yield from _undescribed(item, schema["items"], f"{place}[]")
    if not isinstance(value, dict) or "additionalProperties" in schema:
        return
    for key, item in value.items():
        described = schema.get("properties", {}).get(key, {})
        if "description" not in described:
            yield f"{place}.{key}"
        yield from _undescribed(item, described, f"{place}.{key}")


def test_the_published_schema_is_that_of_the_types() -> None:
    """It is made from them: `python -m ppbench.runs.manifest > docs/run.schema.json`."""
    assert schema() == SCHEMA


def test_every_key_is_described(manifest: dict[str, Any]) -> None:
    """A key that a change adds to run.json has to be added to the schema."""
    assert list(_undescribed(manifest, SCHEMA, "run.json")) == []


@pytest.mark.parametrize(
    "path, value",
    [
        (["schema_version"], 2),
        (["data", "digest"], "ab"),
        (["data", "source"], "downloaded"),
        (["data", "severities"], [0]),
        (["models"], []),
        (["models", 0, "input_spec", "mean"], [0.5]),
        (["normaliser", "clean"], 120.0),
        (["started"], 5),
    ],
)
def test_the_schema_refuses_what_is_wrong(path: list[Any], value: Any, manifest: dict[str, Any]) -> None:
    """It is no schema that everything passes."""
    part: Any = manifest
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        _validate(manifest)


@pytest.mark.parametrize(
    "version, advice",
    [
        (2, "use a newer ppbench"),
        (0, "evaluate again"),
        ("1", "evaluate again"),
        (True, "evaluate again"),
        (1.0, "evaluate again"),
    ],
)
def test_another_version_is_one_line(version: Any, advice: str, tmp_path: Path) -> None:
    """Older and newer folders are refused before anything else of them is read."""
    (tmp_path / "run.json").write_text(json.dumps({"schema_version": version}))
    with pytest.raises(InputError, match=f"expected schema_version 1, got {version!r}: {advice}"):
        ppbench.load_run(tmp_path)


@pytest.mark.parametrize(
    "path, key, wrong",
    [
        ([], "compiled", "compild"),
        (["models", 0], "checkpoint_prefix", "checkpoint_prefx"),
        (["context"], "jpeg_codec", "jpeg"),
        (["device"], "engine", "engin"),
    ],
)
def test_a_misspelt_key_is_refused(
    path: list[Any], key: str, wrong: str, manifest: dict[str, Any], tmp_path: Path
) -> None:
    """Not where a default would be taken in silence; a key more, of a later version, is no mistake."""
    part: Any = manifest
    for each in path:
        part = part[each]
    part[wrong] = part[key]
    (tmp_path / "run.json").write_text(json.dumps(manifest))
    read_manifest(tmp_path)
    del part[key]
    (tmp_path / "run.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=f"unknown field '{wrong}': .*{key}") as caught:
        read_manifest(tmp_path)
    assert "\n" not in str(caught.value)
    del part[wrong]
    (tmp_path / "run.json").write_text(json.dumps(manifest))
    read_manifest(tmp_path)  # as an older version wrote it


def test_a_precision_that_there_is_not_is_refused(manifest: dict[str, Any], tmp_path: Path) -> None:
    """It is said below every table."""
    (tmp_path / "run.json").write_text(json.dumps({**manifest, "precision": "fp31"}))
    with pytest.raises(InputError, match=r"unknown precision 'fp31': did you mean 'fp32'\?"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("key", ["context", "normaliser", "baseline_model", "data", "precision", "models"])
def test_a_run_json_that_lacks_something_is_one_line(
    key: str, manifest: dict[str, Any], tmp_path: Path
) -> None:
    """A file that was cut by hand is no traceback."""
    del manifest[key]
    (tmp_path / "run.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"not the run\.json of a whole run") as caught:
        ppbench.load_run(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "key, value",
    [("data", None), ("data", {"name": "digits-c"}), ("data", []), ("models", [3]), ("models", 3)],
)
def test_a_run_json_that_holds_something_else_is_one_line(
    key: str, value: Any, manifest: dict[str, Any], tmp_path: Path
) -> None:
    """What only a comparison or a gate reads is missed at once, too."""
    (tmp_path / "run.json").write_text(json.dumps({**manifest, key: value}))
    with pytest.raises(InputError, match=r"not the run\.json of a whole run"):
        ppbench.load_run(tmp_path)


def test_a_run_whose_normaliser_has_no_answers_is_one_line(folder: Path, tmp_path: Path) -> None:
    """A model that was renamed in run.json alone is not looked for in vain later."""
    run = shutil.copytree(folder, tmp_path / "run")
    text = (run / "run.json").read_text()
    (run / "run.json").write_text(text.replace('"model": "alexnet"', '"model": "other"'))
    with pytest.raises(InputError, match=r"expected the answers of other in predictions\.npz, got those of"):
        ppbench.load_run(run)


def test_what_is_no_run_is_one_line(tmp_path: Path) -> None:
    """An empty folder, a list, half a file."""
    for content, says in (
        (None, "has no run.json"),
        ("[]", "cannot be read as a run"),
        ('{"sch', "damaged file"),
    ):
        if content is not None:
            (tmp_path / "run.json").write_text(content)
        with pytest.raises(InputError, match=says):
            ppbench.load_run(tmp_path)
