"""Which corruptions a run is about, given what its published set has, and what has to be said of that choice."""

from collections.abc import Sequence

import corruptions
from ppbench.data.finding import corruptions_there
from ppbench.data.registry import data_set, meant
from ppbench.evaluation.cells import OTHERS, has_others_only, parse_corruptions
from ppbench.runs.config import EvaluationConfig
from ppbench.scoring.names import OTHER, is_other_name, taken_for

_NAMED = 3  # corruptions that a line names


def chosen_corruptions(config: EvaluationConfig) -> tuple[str, ...]:
    """Return the corruptions that a run's configuration selects, as tables call them.

    Raises:
        InputError: a name is none, neither of the benchmark, of a plug-in nor of the published set.
    """
    return parse_corruptions(config.corruptions, corruptions.plugins, lambda: _there(config))


def notes_of_choice(config: EvaluationConfig, chosen: Sequence[str]) -> tuple[str, ...]:
    """Return what the tables have to say of the choice: that all are others, or have names like the benchmark's.

    Args:
        config: of the run.
        chosen: what `chosen_corruptions` returned.
    """
    notes = [
        f"{name.removeprefix(OTHER)} is scored as a corruption of its own, though its name is like {meant}"
        for name in chosen
        if name.startswith(OTHER) and (meant := taken_for(name.removeprefix(OTHER)))
    ]
    if config.corruptions == "benchmark" and all(name.startswith(OTHER) for name in chosen):
        notes.append(
            f"this set has none of the 15 + 4 corruptions: its own {len(chosen)} are evaluated, which are in no mean"
        )
    return tuple(notes)


def left_out(config: EvaluationConfig, chosen: Sequence[str]) -> str | None:
    """Return a line about corruptions of the set's own that nobody asked for; None where there are none."""
    if any(name.startswith(OTHER) for name in chosen) or has_others_only(there := _there(config)):
        return None
    known = {name.rpartition(":")[2] for name in chosen} | set(corruptions.plugins())
    if not (others := [name for name in there if is_other_name(name) and name not in known]):
        return None
    some = ", ".join(others[:_NAMED]) + (", …" if len(others) > _NAMED else "")
    return (
        f"not evaluated: {len(others)} of this set beside the 15 + 4 corruptions ({some}): add {OTHERS} to "
        "--corruptions to have them scored, in no mean"
    )


def _there(config: EvaluationConfig) -> Sequence[str]:
    root = config.path("root")
    return corruptions_there(data_set(meant(config.data, root)), root, config.source)
