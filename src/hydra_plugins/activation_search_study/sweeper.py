"""Hydra's ``hydra/sweeper=study``: choices and ranges on the command line become our study.

python train.py -m hydra/sweeper=study 'activation=choice(relu,gelu,prelu)' \\
    'optim.lr=tag(log,interval(1e-4,1e-1))'

Hydra imports this file for every program that it runs, so torch and Optuna wait until a study runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf


@dataclass
class StudyConfig:
    """``hydra.sweeper.…``, by the names of Hydra's Optuna sweeper.

    Attributes:
        n_trials: in total, resumed commands included.
        n_jobs: worker processes; ``auto`` or -1 for one per core, or one per GPU.
        study_name: defaults to model, data and space.
        storage: an Optuna URL; defaults to a journal in the study's folder.
        sampler: auto, tpe, random, gp or grid.
        pruner: none, median, hyperband or wilcoxon.
        params: what is searched, where it does not stand on the command line.
    """

    _target_: str = "hydra_plugins.activation_search_study.sweeper.StudySweeper"
    n_trials: int = 24
    n_jobs: Any = "auto"
    study_name: str | None = None
    storage: str | None = None
    sampler: str = "auto"
    pruner: str = "none"
    params: dict[str, Any] = field(default_factory=dict)


_NODE = OmegaConf.structured(StudyConfig)
OmegaConf.set_struct(_NODE.params, False)
ConfigStore.instance().store(
    group="hydra/sweeper", name="study", node=_NODE, provider="activation_search"
)


class StudySweeper(Sweeper):
    """Runs ``python scripts/sweep.py`` with what the command line says in Hydra's words.

    Args:
        settings: see :class:`StudyConfig`.
    """

    def __init__(self, **settings: Any):
        self.settings = settings

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self._loader, self._hydra = hydra_context.config_loader, config.hydra

    def sweep(self, arguments: list[str]) -> None:
        """Runs the study.

        Raises:
            UserError: a launcher or command that does not go with a study, or what
                :func:`translated` raises.
        """
        from activation_search.errors import UserError

        from ._translate import translated

        launcher = self._hydra.runtime.choices["hydra/launcher"]
        if launcher != "basic":
            raise UserError(
                f"hydra/sweeper=study runs its own workers (hydra.sweeper.n_jobs), or a cluster's "
                f"(python scripts/sweep.py cluster=…): leave out hydra/launcher={launcher}."
            )
        if self._hydra.job.config_name != "train":
            raise UserError("hydra/sweeper=study varies a single run: python train.py -m ….")
        settings = dict(self.settings)
        given = {key: f"{key}={value}" for key, value in settings.pop("params").items()}
        given |= {argument.partition("=")[0]: argument for argument in arguments}
        parser = OverridesParser.create(config_loader=self._loader)
        run_study(translated(parser.parse_overrides(list(given.values())), settings))


def run_study(overrides: Sequence[str]) -> None:
    """``python scripts/sweep.py`` with these overrides."""
    from activation_search.commands.sweep import run
    from activation_search.config.compose import compose
    from activation_search.config.search import SweepConfig

    run(compose(overrides, SweepConfig))
