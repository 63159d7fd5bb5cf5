"""Every command by its name: ``activation-search sweep`` is ``python scripts/sweep.py``."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from activation_search.config.compare import CompareConfig
from activation_search.config.discover import DiscoverConfig
from activation_search.config.engine import EngineConfig
from activation_search.config.run import InitialConfig, TrainConfig
from activation_search.config.search import SweepConfig
from activation_search.errors import UserError, exit_code, unknown


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        path: as the README calls it.
        summary: what it does, in a sentence.
        config: its configuration; ``None`` for one that reads its arguments itself.
        examples: for ``--help``.
    """

    path: str
    summary: str
    config: type[TrainConfig] | None = None
    examples: tuple[str, ...] = ()


COMMANDS = {
    "train": Command(
        "train.py",
        "Trains one model, or with -m several.",
        TrainConfig,
        (
            "python train.py activation=gelu",
            "python train.py model=lstm optim.lr=3e-3 seed=1",
            "python train.py activation=relu activation.layers.conv2=prelu",
            "python train.py -m activation=relu,gelu,prelu seed=0,1,2",
            "python train.py -m hydra/sweeper=study 'optim.lr=tag(log,interval(1e-4,1e-1))'",
            "python train.py data=csv data.path=my.csv data.target=price model=mlp",
        ),
    ),
    "sweep": Command(
        "scripts/sweep.py",
        "Searches for the best activations; the same command resumes a study that was stopped.",
        SweepConfig,
        (
            "python scripts/sweep.py",
            "python scripts/sweep.py search=per_layer trials=60",
            "python scripts/sweep.py model=lstm search=gates trials=20",
            "python scripts/sweep.py 'search.candidates=[relu,gelu,prelu]' seeds_per_trial=3",
            "python scripts/sweep.py confirm=3",
        ),
    ),
    "compare": Command(
        "scripts/compare.py",
        "Compares activations on the same seeds: better, worse or undecided.",
        CompareConfig,
        (
            "python scripts/compare.py 'candidates=[relu,gelu,prelu]' seeds=10",
            "python scripts/compare.py 'candidates=[relu,gelu]' tune_lr=true",
            "python scripts/compare.py 'models=[mlp,cnn]' 'candidates=[relu,gelu]'",
            "python scripts/compare.py 'candidates=[relu,{name: relu, layers: {conv2: gelu}}]'",
            "python scripts/compare.py 'candidates=[cnn-mnist1d-global:1,relu]'",
        ),
    ),
    "discover": Command(
        "scripts/discover.py",
        "Finds new functions, as formulas, and holds them against the catalogue.",
        DiscoverConfig,
        (
            "python scripts/discover.py model=mlp data=mnist1d",
            "python scripts/discover.py model=mlp data=mnist1d formulas=1000 minutes=60",
            "python scripts/discover.py model=mlp data=xor 'pieces=[+,*,max,sin,tanh]'",
            "python scripts/discover.py model=function model.function=my_models.build data=digits",
        ),
    ),
    "freeze": Command("scripts/freeze.py", "A short formula for what activations have learned."),
    "health": Command(
        "scripts/health.py",
        "Looks at a model before it trains: signal and gradient per layer, with a verdict.",
        InitialConfig,
        (
            "python scripts/health.py model=cnn activation=gelu",
            "python scripts/health.py model=mlp model.depth=10",
            "python scripts/health.py model=mlp 'activations=[sigmoid,tanh,relu]'",
            "python scripts/health.py model=mlp model.depth=10 init=torch",
            "python scripts/health.py model=transformer activation=swiglu",
        ),
    ),
    "catalogue": Command("scripts/catalogue.py", "The catalogue as a table and a sheet of curves."),
    "data": Command("scripts/data.py", "Which model reads which data set, and what one holds."),
    "sites": Command("scripts/sites.py", "The activation sites of a model, of your own too."),
    "export": Command(
        "scripts/export.py", "Writes a trained model for other programs: ONNX, plain torch, others."
    ),
    "report": Command("scripts/report.py", "Writes a study's, comparison's or multirun's report."),
}


def main(name: str) -> int:
    """Runs a command on ``sys.argv[1:]``.

    Returns:
        Its exit code: 0, 1 for a run that diverged or a failed machine, 2 for a user's mistake.
    """
    command = COMMANDS[name]
    if command.config is None:
        return exit_code(_function(name))
    if {"--help", "-h"} & set(sys.argv[1:]):
        return exit_code(lambda: _help(command))
    # Imported here: Hydra is not needed for what is above.
    from activation_search.config.hydra_main import run_jobs
    from activation_search.engine.forks import import_ahead

    def job(config: TrainConfig) -> Any:
        if isinstance(config, EngineConfig) and not config.cluster:
            import_ahead()
        # It imports torch, which takes seconds: after the first look at the settings.
        return _function(name)(config)

    return run_jobs(
        command.config,
        job,
        lambda folder, failures: _function("multirun")(folder, failures),
    )


def console_script() -> int:
    """``activation-search <command> <arguments>``."""
    given = sys.argv[1:2]
    if given and given[0] in COMMANDS:
        sys.argv[:2] = [f"activation-search {given[0]}"]
        return main(given[0])
    return exit_code(lambda: _usage(given))


def _function(name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = import_module(f"activation_search.commands.{name}").run
    return found


def _usage(given: list[str]) -> None:
    if given and given[0] not in ("-h", "--help"):
        raise unknown("command", given[0], COMMANDS)
    lines = (f"  activation-search {name:10} {c.summary}" for name, c in COMMANDS.items())
    print("\n".join(lines))
    if not given:
        raise UserError("Name a command.")


def _help(command: Command) -> None:
    from activation_search.config.compose import CONF
    from activation_search.config.help import help_text

    config: Any = command.config
    print(help_text(command.summary, command.examples, config, CONF, sys.argv[1:]))
