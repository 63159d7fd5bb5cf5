"""A trained model for other programs:  python scripts/export.py <run> format=onnx

python scripts/export.py <run> format=onnx        # for runtimes without torch
python scripts/export.py <run> format=plain       # one .py file in pure torch, and its weights
python scripts/export.py <run> format=pt2         # a program of torch.export
python scripts/export.py <run> format=state_dict  # the weights alone
python scripts/export.py <run> format=formula     # the functions with what they learned, as text

<run> is a run directory, whose best.ckpt is taken, or a checkpoint.
"""

import argparse
from pathlib import Path

from activation_search.console import ArgumentParser, open_console, print_line
from activation_search.errors import UserError, unknown


def run() -> None:
    """Writes the files, and prints what they are."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="a run directory or a checkpoint")
    parser.add_argument(
        "settings",
        nargs="*",
        metavar="KEY=VALUE",
        help="format=…; out=folder, by default export/ in the run directory; trust=true to import "
        "the code of your own that the checkpoint names",
    )
    arguments = parser.parse_args()
    settings = _parse(arguments.settings)
    path: Path = arguments.run

    # Imported once the arguments are known to be right: torch takes seconds.
    from activation_search.exporting.export import EXPORT_FOLDER, check_format, export_model
    from activation_search.training.checkpoint import load_checkpoint

    check_format(settings["format"])
    module = load_checkpoint(path, settings["trust"] == "true")
    folder = (path if path.is_dir() else path.parent) / EXPORT_FOLDER
    found = export_model(module, settings["format"], Path(settings["out"] or folder))
    console = open_console()
    if found.difference is not None:
        print_line(console, f"equal to predict within {found.difference:.1e} on 200 samples")
        for name, text in found.meaning.items():
            print_line(console, f"{f'{name}:':9}{text}")
    for written in found.paths:
        print_line(console, f"file:    {written}")
    print_line(console, f"use:     {found.use}")


def _parse(given: list[str]) -> dict[str, str]:
    """The settings by their names.

    Raises:
        UserError: one that does not exist, or no format.
    """
    settings = {"format": "", "out": "", "trust": "false"}
    for text in given:
        name, equals, value = text.partition("=")
        if name not in settings:
            raise unknown("setting", name, settings)
        if not equals or not value:
            raise UserError(f"{name} needs a value: {name}=….")
        settings[name] = value
    if settings["trust"] not in ("true", "false"):
        raise UserError(f"trust must be true or false, not {settings['trust']!r}.")
    if not settings["format"]:
        raise UserError("Name a format: format=onnx, plain, pt2, state_dict or formula.")
    return settings
