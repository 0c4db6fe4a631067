"""Parquet files as the Hugging Face Hub has image sets: a column of images, one of labels, others for the cell."""

import json
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

from ppbench.data.cell_names import CORRUPTION_FIELDS, SEVERITY_FIELDS, Said, of_fields
from ppbench.data.samples import Failed, Sample
from ppbench.errors import InputError

_IMAGES = ("image", "img", "jpg", "png", "webp")
_LABELS = ("label", "labels", "fine_label", "cls", "target")
"""What columns are called; of CIFAR-100's two labels the fine one is meant."""

_GROUPS_KEPT = 4
"""Row groups whose images stay in memory: a batch may begin in one and end in the next."""


@dataclass(eq=False)
class ParquetShard:
    """A Parquet file; `read` may be called by several threads.

    Attributes:
        path: where it is.
    """

    path: Path
    _lock: Lock = field(default_factory=Lock, repr=False)
    _groups: "OrderedDict[int, Sequence[bytes | None]]" = field(default_factory=OrderedDict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs: it opens the file for itself."""
        return {"path": self.path.resolve()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take it over."""
        vars(self).update(state, _lock=Lock(), _groups=OrderedDict())

    @cached_property
    def _open(self) -> Any:
        if find_spec("pyarrow") is None:
            raise InputError(f"{self.path}: Parquet needs the package pyarrow: pip install pyarrow")
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return pq.ParquetFile(self.path)
        except (OSError, pa.ArrowException) as error:
            raise Failed(self.path).damaged(error) from error

    @cached_property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of a ClassLabel column, label 0 first."""
        names = self._names_of(self._column(_LABELS))
        return None if names is None else tuple(names)

    @cached_property
    def _features(self) -> dict[str, Any]:
        """What the package datasets wrote about the columns."""
        about = (self._open.schema_arrow.metadata or {}).get(b"huggingface")
        try:
            features = json.loads(about)["info"]["features"] if about else {}
        except (ValueError, KeyError, TypeError):
            return {}
        return features if isinstance(features, dict) else {}

    def says(self) -> Said:
        """Return what the first row says."""
        corruption, severity = (self._column(names) for names in (CORRUPTION_FIELDS, SEVERITY_FIELDS))
        columns = [name for name in (corruption, severity) if name]
        if not columns or not self._open.metadata.num_row_groups:
            return Said()
        first = self._table(0, columns).slice(0, 1).to_pylist()
        return self._said(first[0], corruption, severity) if first else Said()

    def samples(self) -> Iterator[Sample]:
        """Yield its images, in their order, without reading them.

        Raises:
            InputError: it is damaged, or has no column of images or of labels.
        """
        image, label = self._column(_IMAGES), self._column(_LABELS)
        if image is None or label is None:
            kind, names = ("images", _IMAGES) if image is None else ("labels", _LABELS)
            got = ", ".join(self._open.schema_arrow.names)
            raise InputError(f"{self.path}: expected a column of {kind} ({', '.join(names)}), got {got}")
        corruption, severity = (self._column(names) for names in (CORRUPTION_FIELDS, SEVERITY_FIELDS))
        named = self._is_struct(image)
        wanted = [name for name in (label, corruption, severity) if name] + (
            [f"{image}.path"] if named else []
        )
        for group in range(self._open.metadata.num_row_groups):
            for row, values in enumerate(self._table(group, wanted).to_pylist()):
                value = values[label]
                key = ((values[image] or {}).get("path") or "") if named else ""
                yield Sample(self._said(values, corruption, severity), key, value, (group, row))

    def read(self, place: tuple[int, int]) -> bytes:
        """Return the bytes of the image in (row group, row).

        Raises:
            InputError: they cannot be read, or the row has only the path of a file.
        """
        group, row = place
        with self._lock:
            if group not in self._groups:
                image = self._column(_IMAGES)
                column = self._table(group, [f"{image}.bytes" if self._is_struct(image) else image]).column(0)
                found = [each["bytes"] if isinstance(each, dict) else each for each in column.to_pylist()]
                self._groups[group] = found
                while len(self._groups) > _GROUPS_KEPT:
                    self._groups.popitem(last=False)
            self._groups.move_to_end(group)
            content = self._groups[group][row]
        if not isinstance(content, bytes):
            raise InputError(
                f"{self.path}: row group {group}, row {row}: expected the bytes of an image, got "
                f"{'none' if content is None else type(content).__name__}: files that are only named cannot be read"
            )
        return content

    def _said(self, values: dict[str, Any], corruption: str | None, severity: str | None) -> Said:
        return of_fields(self._word(values, corruption), self._word(values, severity))

    def _word(self, values: dict[str, Any], column: str | None) -> object:
        """Return a column's value in a row; of a ClassLabel its name, not its number."""
        value, names = values.get(column or ""), self._names_of(column)
        return names[value] if names and isinstance(value, int) and 0 <= value < len(names) else value

    def _names_of(self, column: str | None) -> list[str] | None:
        feature = self._features.get(column or "")
        names = feature.get("names") if isinstance(feature, dict) else None
        return list(map(str, names)) if isinstance(names, list) else None

    def _column(self, names: Sequence[str]) -> str | None:
        present = self._open.schema_arrow.names
        return next((name for name in names if name in present), None)

    def _is_struct(self, column: str | None) -> bool:
        import pyarrow as pa

        return bool(pa.types.is_struct(self._open.schema_arrow.field(column).type))

    def _table(self, group: int, columns: Sequence[str | None]) -> Any:
        import pyarrow as pa

        try:
            return self._open.read_row_group(group, columns=list(columns), use_threads=False)
        except (OSError, pa.ArrowException) as error:
            raise Failed(self.path).damaged(error) from error
