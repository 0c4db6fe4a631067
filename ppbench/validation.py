"""Content of files checked against the types that it becomes: one line for the first thing that is wrong.

The types are plain dataclasses; pydantic does the checking. A class that wants no unknown fields says
``__pydantic_config__ = STRICT``.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

from ppbench.errors import InputError, unknown

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

Config = Mapping[str, Any]
STRICT: Final[Config] = {"extra": "forbid", "allow_inf_nan": False}

T = TypeVar("T")


def validated(kind: type[T], content: object, where: Callable[[str], str]) -> T:
    """Return what a file holds as a dataclass.

    Numbers are not taken for texts, texts not for numbers, and true is no number, nor is 1.0 where 1 alone will do.

    Args:
        kind: the dataclass.
        content: tables, lists, texts and numbers, as TOML or JSON are read.
        where: what a message begins with, for a mistake in the field of that name ("" for the whole).

    Raises:
        InputError: a field is missing, unknown or no such value.
    """
    # Imported here: it takes a third of a second, which only those who read a file have to wait for.
    from pydantic import ValidationError

    as_type: type = kind
    text = json.dumps(content, default=str)
    try:
        # As JSON, because only there a list is taken for a tuple while a text is not taken for a number.
        made: T = adapter(as_type).validate_json(text, strict=True)
    except ValidationError as error:
        # A misspelt field is missing as well: what is there says more than what is not.
        found = min(error.errors(), key=lambda each: each["type"] not in _UNEXPECTED)
        raise InputError(
            f"{where(str(found['loc'][0]) if found['loc'] else '')}{_told(kind, found)}"
        ) from None
    _refuse_equals(kind, content, where)
    return made


def refuse_misspelt(kind: Any, content: object, where: str) -> None:
    """Refuse a key that a type has not, where one that it has is left out and its default would be taken.

    For files to which later versions add keys: those leave none of ours out.

    Args:
        kind: a dataclass, or what has some in it.
        content: as of `validated`, which it has passed.
        where: what a message begins with.

    Raises:
        InputError: there is one; the key that was probably meant is suggested.
    """
    if is_dataclass(kind) and isinstance(kind, type) and isinstance(content, Mapping):
        known = get_type_hints(kind)
        strange = [name for name in content if name not in known]
        absent = [name for name in known if name not in content]
        if strange and absent:
            raise InputError(f"{where}{unknown('field', strange[0], absent)}")
        for name in known.keys() & content.keys():
            refuse_misspelt(known[name], content[name], where)
    else:
        inside = content.values() if isinstance(content, Mapping) else content
        for part in get_args(kind):
            if get_origin(kind) is UnionType:
                refuse_misspelt(part, content, where)
            elif isinstance(inside, Iterable) and not isinstance(inside, str):
                for each in inside:
                    refuse_misspelt(part, each, where)


def _refuse_equals(kind: type, content: object, where: Callable[[str], str]) -> None:
    """Refuse true and 1.0 in a field that can be 1 alone: to pydantic, as to Python, they are equal.

    Raises:
        InputError: there is one.
    """
    if not isinstance(content, Mapping):
        return
    for name, wanted in get_type_hints(kind).items():
        if get_origin(wanted) is Literal and name in content:
            choices, value = get_args(wanted), content[name]
            if type(value) not in map(type, choices):
                raise InputError(
                    f"{where(name)}expected {name} to be {' or '.join(map(repr, choices))}, got {value!r}"
                )


@cache
def adapter(kind: type) -> "TypeAdapter[Any]":
    """Return pydantic's adapter of a type, made once."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


_UNEXPECTED = ("unexpected_keyword_argument", "extra_forbidden")

_KINDS: Mapping[str, str] = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "a text",
    "dict_type": "a table",
    "dataclass_type": "a table",
    "tuple_type": "a list",
    "list_type": "a list",
    "path_type": "a path",
}

_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}

_COUNTS: Mapping[int, str] = {2: "two", 3: "three", 5: "five"}


def _told(kind: type, error: "ErrorDetails") -> str:
    """Return what is wrong, in the words of the user."""
    loc, type_, value = error["loc"], error["type"], error["input"]
    name = _name(loc)
    if type_ in _UNEXPECTED:
        return str(unknown("field", str(loc[-1]), [each.name for each in fields(_at(kind, loc[:-1]))]))
    if type_ == "value_error":  # a class has looked for itself
        return str(error["ctx"]["error"])
    if type_ in ("missing", "too_long") and (list_of := _tuple_at(kind, loc, type_)):
        place, parts = list_of
        return f"expected {_name(place)} to be {_COUNTS.get(parts, parts)} numbers, got {value!r}"
    if type_ == "missing":
        return f"the field {name!r} is missing"
    if type_ == "literal_error":
        return _not_among(kind, loc, value)
    if type_ in _BOUNDS:
        word, key = _BOUNDS[type_]
        return f"expected {name} to be {word} {error['ctx'][key]:g}, got {value!r}"
    if type_ == "string_too_short":
        return f"expected a text for {name}, got {value!r}"
    if type_ in _KINDS:
        return f"expected {name or 'it'} to be {_KINDS[type_]}, got {value!r}"
    return f"{name}: {error['msg'].lower()}, got {value!r}"


Loc = tuple[int | str, ...]
"""Where in the content, from outside to inside; the last part may be ``[key]``: of a table's field, its name."""


def _name(loc: Loc) -> str:
    """Return a place as the user would write it: ``errors.fog[2]``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")


def _not_among(kind: type, loc: Loc, value: object) -> str:
    choices = get_args(_at(kind, loc))
    if loc[-1] == "[key]":
        return f"{_name(loc[:-2])}: {unknown('name', str(value), choices)}"
    if len(choices) == 1:
        return f"expected {_name(loc)} to be {choices[0]!r}, got {value!r}"
    return str(unknown(_name(loc), str(value), choices))


def _tuple_at(kind: type, loc: Loc, type_: str) -> tuple[Loc, int] | None:
    """Return the place and the length of a tuple that has too few or too many values, None if it is none."""
    place = loc[:-1] if type_ == "missing" else loc
    wanted = _at(kind, place)
    return (place, len(get_args(wanted))) if get_origin(wanted) is tuple else None


def _at(kind: Any, loc: Loc) -> Any:
    """Return the type that is wanted at a place."""
    for part in loc:
        if is_dataclass(kind) and isinstance(kind, type):
            kind = get_type_hints(kind).get(str(part))
        elif part == "[key]":
            continue
        elif get_origin(kind) is tuple:
            kind = get_args(kind)[min(int(part), len(get_args(kind)) - 1)]
        else:  # a table; where its key is the place, it is the key's type that is wanted
            kind = get_args(kind)[0 if loc[-1] == "[key]" else -1]
        if get_origin(kind) is UnionType:
            kind = next(each for each in get_args(kind) if each is not NoneType)
    return kind
