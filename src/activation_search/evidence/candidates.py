"""Candidates of a comparison: from what the user wrote to labelled assignments."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from activation_search.activations import ActivationChoice
from activation_search.config.run import TrainConfig, activation_imports
from activation_search.data.files import given_file
from activation_search.errors import UserError
from activation_search.models.factory import sites_on
from activation_search.models.sites import assign
from activation_search.search.leaderboard import LEADERBOARD_FILE
from activation_search.user_code import check_trusted

MAX_BYTES = 1_000_000  # of a YAML file; an assignment has a thousand


def parse_candidates(given: Any, config: TrainConfig) -> dict[str, ActivationChoice]:
    """Label -> its choice of activations.

    Args:
        given: a list of names, mappings, YAML files, or ``<study>:<rank>``.
        config: the run that they vary.

    Raises:
        UserError: not such a list, a file or row that is not there, an assignment that does not
            fit the model, or a file that names code to import which is neither named on the
            command line nor trusted.
    """
    named = {*config.import_paths(), *activation_imports(given)}
    if not isinstance(given, list) or len(given) < 2:
        raise UserError(
            "candidates must be a list of two or more, such as [relu,gelu], not "
            f"{'left out' if given is None else repr(given)}."
        )
    candidates: dict[str, ActivationChoice] = {}
    for item in given:
        label, assignment = parse_candidate(item, config, named)
        if label in candidates:
            raise UserError(f"candidates names {label} twice.")
        candidates[label] = assignment
    return candidates


def from_studies(given: Any) -> bool:
    """Whether any candidate is a row of a study."""
    return any(isinstance(item, str) and ":" in item for item in given)


def parse_candidate(
    item: Any, config: TrainConfig, named: Collection[str]
) -> tuple[str, ActivationChoice]:
    """One candidate; see :func:`parse_candidates`. ``named``: import paths on the command line."""
    if not isinstance(item, str | dict):
        raise UserError(f"A candidate is a name or a mapping with name: and layers:, not {item!r}.")
    given, label = item, None  # by default what the assignment says of itself
    if isinstance(item, str) and ":" in item:
        label, item = item, _of_study(item, config)
    elif isinstance(item, str) and item.endswith((".yaml", ".yml")):
        label, item = Path(item).stem, _of_file(item)
    if label is not None:
        check_trusted(activation_imports(item), given, config.trust, named)
    choice = ActivationChoice.parse(item)
    assign(sites_on(config.model, config.data), choice)
    return label or str(choice), choice


def _of_file(path: str) -> Any:
    file = given_file("candidates", path, "mine.yaml")
    try:
        if file.stat().st_size > MAX_BYTES:
            raise ValueError("it is no small text file")
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
        activation_imports(found)  # ends in a RecursionError where an alias holds itself
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"Cannot read the candidate {path}: {reason}.") from error
    if not isinstance(found, dict):
        raise UserError(f"{path} must hold name: and layers:, not {found!r}.")
    inner = found.get("activation", found)
    if not isinstance(inner, str | dict):
        raise UserError(f"{path} must hold an activation, not {inner!r}.")
    return inner


def _of_study(text: str, config: TrainConfig) -> dict[str, Any]:
    study, _, rank = text.rpartition(":")
    path = Path(config.logs) / "sweeps" / study / LEADERBOARD_FILE
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        configs = [row["config"] for row in rows]
        activations = [config["activation"] if config else None for config in configs]
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise UserError(f"There is no leaderboard at {path}.") from error
    if not rank.isdecimal() or not 1 <= int(rank) <= len(rows):
        raise UserError(f"{study} has ranks 1 to {len(rows)}, not {rank!r}.")
    found = activations[int(rank) - 1]
    if not isinstance(found, dict):
        raise UserError(f"Rank {rank} of {study} failed and has no assignment.")
    return found
