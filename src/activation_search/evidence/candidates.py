"""Candidates of a comparison: from what the user wrote to labelled assignments."""

import json
from pathlib import Path
from typing import Any

import yaml

from activation_search.activations import Activation
from activation_search.errors import UserError
from activation_search.models.factory import MODELS
from activation_search.models.sites import MODEL_DEFAULT, assign
from activation_search.training.config import TrainConfig

Assignment = dict[str, Any]


def parse_candidates(given: Any, config: TrainConfig) -> dict[str, Assignment]:
    """Label -> the value of ``activation``.

    Args:
        given: a list of names, mappings, YAML files, or ``<study>:<rank>``.
        config: the run that they vary.

    Raises:
        UserError: not such a list, a file or row that is not there, or an assignment that does not
            fit the model.
    """
    if not isinstance(given, list) or len(given) < 2:
        raise UserError(
            f"candidates must be a list of two or more, such as [relu,gelu], not {given!r}."
        )
    candidates: dict[str, Assignment] = {}
    for item in given:
        label, assignment = parse_candidate(item, config)
        if label in candidates:
            raise UserError(f"candidates names {label} twice.")
        candidates[label] = assignment
    return candidates


def parse_candidate(item: Any, config: TrainConfig) -> tuple[str, Assignment]:
    """One candidate; see :func:`parse_candidates`."""
    label = None  # by default what the assignment says of itself
    if isinstance(item, str) and ":" in item:
        label, item = item, _of_study(item, config)
    elif isinstance(item, str) and item.endswith((".yaml", ".yml")):
        label, item = Path(item).stem, _of_file(item)
    assignment = {"name": item} if isinstance(item, str) else dict(item)
    assignment.setdefault("name", MODEL_DEFAULT)
    assignment.setdefault("layers", {})
    assign(MODELS[config.model.name].sites(config.model), assignment)
    return label or _label(assignment), assignment


def _label(assignment: Assignment) -> str:
    rest = {key: value for key, value in assignment.items() if key != "layers"}
    general = rest["name"] if rest["name"] == MODEL_DEFAULT else str(Activation.parse(rest))
    layers = (f"{site}={value}" for site, value in assignment["layers"].items())
    return " ".join([general, *layers])


def _of_file(path: str) -> Any:
    try:
        found = yaml.safe_load(Path(path).read_text())
    except (OSError, yaml.YAMLError) as error:
        raise UserError(f"Cannot read the candidate {path}: {error}.") from error
    if not isinstance(found, dict):
        raise UserError(f"{path} must hold name: and layers:, not {found!r}.")
    return found.get("activation", found)


def _of_study(text: str, config: TrainConfig) -> Assignment:
    study, _, rank = text.rpartition(":")
    path = Path(config.logs) / "sweeps" / study / "leaderboard.json"
    try:
        rows = json.loads(path.read_text())["rows"]
    except OSError as error:
        raise UserError(f"There is no leaderboard at {path}.") from error
    if not rank.isdigit() or not 1 <= int(rank) <= len(rows):
        raise UserError(f"{study} has ranks 1 to {len(rows)}, not {rank!r}.")
    return rows[int(rank) - 1]["config"]["activation"]
