"""What was probably meant by a command, an option or a word that a command does not take: other tools' words for it."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ppbench.cli import completion

_LIST = ("list", "ls", "show", "all", "available")
_FETCH = ("download", "fetch", "pull", "install")
_REMOVE = ("rm", "delete", "del", "uninstall", "unregister")

_COMMANDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "ppbench": {
        "ppbench eval": ("run", "evaluation", "test", "bench", "benchmark", "measure", "predict"),
        "ppbench train": ("fit", "finetune", "fine-tune"),
        "ppbench generate": ("corrupt", "make", "create"),
        "ppbench compare": ("diff", "versus", "vs"),
        "ppbench score RUN": ("mce", "table", "summary", "show-run"),
        "ppbench report RUN --plots": ("plot", "figures", "visualize", "visualise"),
        "ppbench gate": ("ci", "regression"),
        "ppbench doctor": ("check", "diagnose", "env", "info", "setup"),
        "ppbench train --help": ("recipes", "recipe"),
        "ppbench cache --clear": ("clean", "clear", "prune"),
        "ppbench data get NAME": (*_FETCH, "get"),
        "ppbench data verify FOLDER": ("verify",),
        "ppbench models inspect FILE": ("inspect", "describe"),
        "ppbench models add FILE": ("add", "register"),
        "ppbench models remove ID": ("remove", *_REMOVE),
        "ppbench models`, `ppbench data` or `ppbench corruptions": _LIST,
        "ppbench models --architectures": ("architectures", "networks", "zoo"),
        "ppbench data": ("dataset", "datasets", "sets"),
        "ppbench --version": ("version",),
        "ppbench --help": ("help", "commands", "usage"),
    },
    "ppbench data": {
        "ppbench data": _LIST,
        "ppbench data get NAME": (*_FETCH, "add"),
        "ppbench data verify FOLDER": ("check", "validate", "test", "inspect", "md5", "info"),
        "ppbench generate": ("generate", "make", "create", "corrupt"),
        "ppbench preview --data NAME": ("preview", "view"),
    },
    "ppbench models": {
        "ppbench models": _LIST,
        "ppbench models --architectures": ("architectures", "networks", "zoo"),
        "ppbench models inspect FILE": ("info", "describe", "check", "verify", "load", "view"),
        "ppbench models add FILE": ("register", "import", "new", "create", "save"),
        "ppbench models remove ID": _REMOVE,
        "ppbench eval --model ID": (*_FETCH, "get", "eval", "run", "test"),
        "ppbench train": ("train", "fit"),
    },
}
"""Group -> what it is to be instead -> words for it."""

_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "--checkpoint": ("weights", "ckpt", "pth", "pt", "resume", "pretrained", "file", "load"),
    "--model": ("arch", "architecture", "network", "net", "backbone"),
    "--data": ("dataset", "datasets", "set", "benchmark"),
    "--root": ("path", "dir", "folder", "data-dir", "data-root", "data-path", "imagenet"),
    "--out": ("output", "output-dir", "outdir", "out-dir", "save", "save-dir", "dest", "to"),
    "--to": ("output", "out", "dir", "folder", "root", "path", "dest"),
    "--limit": ("subset", "samples", "num-samples", "num-images", "images", "max-images", "n"),
    "--severities": ("severity", "level", "levels"),
    "--device": ("gpu", "cuda", "cpu", "mps", "gpus"),
    "--precision": ("amp", "fp16", "bf16", "half", "dtype", "fp32", "mixed-precision"),
    "--workers": ("jobs", "threads", "num-workers", "processes"),
    "--overwrite": ("force", "yes"),
    "--normaliser": ("normalizer", "normalise-by", "alexnet"),
    "--set": ("lr", "learning-rate", "batch-size", "weight-decay", "optimizer", "momentum"),
    "--format": ("markdown", "md", "latex", "tex", "html", "csv"),
    "--resize": ("size", "image-size", "img-size", "input-size"),
    "--id": ("name", "as"),
    "--clear": ("clean", "delete", "rm", "prune"),
}
"""Option -> what others call it."""


def command(group: str, word: str) -> str:
    """Return a hint at what was meant by a word that is no command of a group; empty where nothing is known."""
    path = f"ppbench {group}".strip()
    for instead, words in _COMMANDS[path].items():
        if word.lower() in words:
            return f"Did you mean `{instead}`?"
    for known, use in _ARGUMENTS.get(path, ()):
        if known(word):
            return f"Did you mean `{use.format(word)}`?"
    return ""


def _is_folder(word: str) -> bool:
    return Path(word).is_dir()


def _is_file(word: str) -> bool:
    return Path(word).is_file()


def _is_model(word: str) -> bool:
    return word in completion.models()


def _is_archive(word: str) -> bool:
    return word in completion.archives()


_ARGUMENTS: Mapping[str, tuple[tuple[Callable[[str], bool], str], ...]] = {
    "ppbench": (
        (_is_folder, "ppbench score {}"),
        (_is_file, "ppbench eval --checkpoint {}"),
        (_is_model, "ppbench eval --model {}"),
    ),
    "ppbench data": ((_is_archive, "ppbench data get {}"), (_is_folder, "ppbench data verify {}")),
    "ppbench models": ((_is_model, "ppbench eval --model {}"), (_is_file, "ppbench models inspect {}")),
}
"""Group -> what a word may be that is none of its commands, and what is done with that."""


def options(name: str, there: Iterable[str]) -> list[str]:
    """Return those of a command's options that another word for them means, best first."""
    word, names = name.lstrip("-").lower(), set(there)
    return [option for option, words in _OPTIONS.items() if word in words and option in names]


_LISTED_BY: Mapping[str, str] = {
    "corruptions": "ppbench corruptions",
    "cache": "ppbench cache",
    "train": "ppbench train --help",
    "doctor": "ppbench doctor",
    "eval": "ppbench models",
}
"""Command -> what lists the things that it is about."""


def argument(command_name: str, word: str, there: Iterable[str]) -> str:
    """Return a hint at what was meant by a word that a command takes none of; empty where nothing is known.

    Args:
        command_name: of the command, without its group.
        word: the first that is too many.
        there: the options of the command.
    """
    names = set(there)
    if same := [name for name in names if name.lstrip("-") == word]:
        return f"Did you mean {same[0]}?"
    if word in _LIST and command_name in _LISTED_BY:
        return f"Did you mean `{_LISTED_BY[command_name]}`?"
    for option, known in (
        ("--model", completion.models),
        ("--data", completion.data_sets),
        ("--corruptions", completion.corruptions),
        ("--recipe", completion.recipes),
        ("--protocol", completion.protocols),
    ):
        if option in names and word in known():
            return f"Did you mean {option} {word}?"
    if "--checkpoint" in names and _is_file(word):
        return f"Did you mean --checkpoint {word}?"
    found = options(word, names)
    return f"Did you mean {found[0]}?" if found else ""
