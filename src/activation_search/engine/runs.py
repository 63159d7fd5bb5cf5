"""Many independent runs in parallel processes; those that are there already are not run again."""

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Hashable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import track

from activation_search.config.run import TrainConfig, fingerprint
from activation_search.engine.workers import visible_gpus, worker_environment
from activation_search.errors import UserError
from activation_search.training.result import DIVERGED, FINISHED, RunResult, read_or_skip
from activation_search.training.run import train

Key = TypeVar("Key", bound=Hashable)


def run_all(
    configs: Mapping[Key, TrainConfig], workers: int, title: str, console: Console
) -> dict[Key, RunResult]:
    """One result per configuration; equal configurations are trained once.

    Args:
        configs: key -> run; all of one ``logs`` and ``group``, where earlier ones are looked for.
        workers: how many at a time.
        title: of the progress bar.
        console: for the bar.

    Raises:
        UserError: a worker process was killed; what is finished is kept.
        KeyboardInterrupt: Ctrl-C; likewise.
    """
    found = find_finished(configs)
    wanted = {_key(config): config for config in configs.values()}
    missing = [config for key, config in wanted.items() if key not in found]
    if missing:
        for result in _train_in_parallel(missing, workers, title, console):
            found[_key(result.parsed_config())] = result
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


def _train_in_parallel(
    configs: list[TrainConfig], workers: int, title: str, console: Console
) -> list[RunResult]:
    context = multiprocessing.get_context("spawn")
    gpus = visible_gpus(configs[0])
    share: Any = context.Queue() if len(gpus) > 1 else None
    for number in range(workers if share else 0):
        share.put(gpus[number % len(gpus)])
    pool = ProcessPoolExecutor(
        min(workers, len(configs)), context, initializer=_start, initargs=(share,)
    )
    try:
        with worker_environment():
            futures = [pool.submit(_train, config) for config in configs]
        done = track(as_completed(futures), title, len(futures), console=console)
        results, errors = [], []
        for future in done:
            error = future.exception()
            if error is None:
                results.append(future.result())
            else:
                errors.append(error)
    finally:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        pool.shutdown(cancel_futures=True)

    if any(isinstance(error, BrokenProcessPool) for error in errors):
        raise UserError(
            "A worker process was killed; what is finished is kept, and the same command resumes."
        )
    if errors:
        raise UserError(
            f"{len(errors)} of {len(configs)} runs failed, the first with "
            f"{type(errors[0]).__name__}: {errors[0]}; what is finished is kept."
        ) from errors[0]
    return results


def _train(config: TrainConfig) -> RunResult:
    try:
        return train(config)
    finally:
        # A finished run is a ring of objects, which Python looks for ever more seldom.
        gc.collect()


def _start(share: Any) -> None:
    """In a worker: takes a GPU of its own where there are several, and ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if share:
        os.environ["CUDA_VISIBLE_DEVICES"] = share.get(timeout=60)
    gc.freeze()  # what was imported is never garbage, and need not be looked through
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
