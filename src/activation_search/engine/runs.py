"""Many independent runs; those that have finished before are not run again."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TypeVar

from rich.progress import track

from activation_search.config.run import TrainConfig, fingerprint
from activation_search.engine.job import Job
from activation_search.engine.runner import Runner
from activation_search.errors import MachineError, TimeIsUp, UserError
from activation_search.training.result import DIVERGED, FINISHED, RunResult, read_or_skip

Key = TypeVar("Key", bound=Hashable)


def run_all(configs: Mapping[Key, TrainConfig], runner: Runner, title: str) -> dict[Key, RunResult]:
    """One result per configuration; equal configurations are trained once.

    Args:
        configs: key -> run; all of one ``logs`` and ``group``, where earlier ones are looked for.
        runner: what trains those that are missing.
        title: of the progress bar.

    Raises:
        UserError: a run failed; what is finished is kept.
        TimeIsUp: some runs are left.
        MachineError: the machine failed, such as by a full disk; likewise.
        KeyboardInterrupt: Ctrl-C; likewise.
    """
    found = find_finished(configs)
    missing = {_key(config): config for config in configs.values()}
    missing = {key: config for key, config in missing.items() if key not in found}
    if missing:
        found |= _train(missing, runner, title)
    return {key: found[_key(config)] for key, config in configs.items()}


def find_finished(configs: Mapping[Key, TrainConfig]) -> dict[str, RunResult]:
    """Finished and diverged runs in the folders of these configurations, by fingerprint."""
    folders = {Path(config.logs) / config.group for config in configs.values()}
    found = {}
    for path in (path for folder in sorted(folders) for path in folder.glob("*/*/result.json")):
        result = read_or_skip(path.parent)
        if result and result.status in (FINISHED, DIVERGED):
            found[_key(result.parsed_config())] = result
    return found


def _key(config: TrainConfig) -> str:
    identity = config.identity()
    del identity["trainer"]["threads"]  # other machines share their cores otherwise
    return fingerprint(identity)


def _train(configs: Mapping[str, TrainConfig], runner: Runner, title: str) -> dict[str, RunResult]:
    results: dict[str, RunResult] = {}
    errors: list[BaseException] = []
    work = ((key, Job((config,)), None) for key, config in configs.items())
    done = track(runner.as_completed(work), title, len(configs), console=runner.console)
    for key, future in done:
        error = future.exception()
        if isinstance(error, MachineError):
            raise error
        if error is not None:
            errors.append(error)
        else:
            [results[key]] = future.result()
    if errors:
        raise UserError(
            f"{len(errors)} of {len(configs)} runs failed, the first with {errors[0]}; what is "
            "finished is kept."
        ) from errors[0]
    if left := len(configs) - len(results):
        raise TimeIsUp(
            f"minutes={runner.minutes:g} are over: {left} of {len(configs)} runs are left; the "
            "same command resumes."
        )
    return results
