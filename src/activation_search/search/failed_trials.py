"""Trials that failed, in TensorBoard's HPARAMS tab beside those that left a run."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from activation_search.config.run import TrainConfig
from activation_search.diagnostics.tensorboard import write_hparams
from activation_search.errors import UserError
from activation_search.models.sites import Site, assign
from activation_search.search.space import Space, baseline
from activation_search.search.study import CONTROL, KIND, NUMBER, fixed_point
from activation_search.training.conclude import hparams


def write_failed_trials(
    study: optuna.Study, space: Space, base: TrainConfig, sites: Sequence[Site], folder: Path
) -> None:
    """A row for each, marked as failed, below ``<folder>/failed``: a trial fails in different
    places, and where its worker was killed nothing of it is left.

    Args:
        study: as it is stored.
        space: what it searches.
        base: the run that trials vary.
        sites: of the model.
        folder: of the study.
    """
    for trial in study.get_trials(deepcopy=False, states=[TrialState.FAIL]):
        if KIND not in trial.user_attrs:
            continue  # of another program
        number = trial.user_attrs[NUMBER]
        directory = folder / "failed" / f"trial-{number}"
        if directory.exists():
            continue
        try:
            config = _configured(trial, space, base)
            assignment = {s: str(a) for s, a in assign(sites, config.activation).items()}
        except (UserError, KeyError):  # it failed while its point was drawn
            config, assignment = base, {}
        board = replace(config.tensorboard, trial=number)
        columns = hparams(replace(config, tensorboard=board), assignment)
        write_hparams(directory, columns, {}, f"failed trial {number}", success=False)


def _configured(trial: FrozenTrial, space: Space, base: TrainConfig) -> TrainConfig:
    if trial.user_attrs[KIND] == CONTROL:
        return baseline(base)
    return space.apply(base, fixed_point(trial))
