"""One training run from its configuration to its result. Knows nothing of Hydra.

from activation_search.training.run import train
result = train(config)
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from lightning.pytorch.utilities.exceptions import MisconfigurationException, SIGTERMException

from activation_search.atomic import discard_unfinished
from activation_search.config.run import TrainConfig, check_run
from activation_search.data.registry import load_splits
from activation_search.errors import UserError
from activation_search.models.factory import pinned_sources
from activation_search.training import directory as run_directory
from activation_search.training.conclude import conclude
from activation_search.training.history import EpochRow
from activation_search.training.lightning_warnings import quiet_lightning
from activation_search.training.own_parts import check_own_parts
from activation_search.training.result import STOPPED, RunResult, read_result
from activation_search.training.session import begin, build_module
from activation_search.training.trainer import check_machine
from activation_search.user_code import check_trusted


class RunInterrupted(KeyboardInterrupt):
    """The user stopped a run; what it had computed is in its directory."""

    def __init__(self, result: RunResult):
        super().__init__(f"run {result.directory} was interrupted")
        self.result = result


def train(config: TrainConfig, on_epoch: Callable[[EpochRow], bool] | None = None) -> RunResult:
    """Trains one model and writes its run directory.

    Everything is checked before the directory is made; from then on the run's state is in
    ``result.json``, however it ends. The global random generators are left as they were found.

    Args:
        config: the run. With ``resume=<path>`` that run's own configuration is used instead.
        on_epoch: called after each epoch with its row of the curve; ``True`` prunes the run.

    Returns:
        The result; its status says whether the run finished, diverged, or was pruned.

    Raises:
        UserError: a setting, site or activation that is not valid, or a place that cannot be
            written.
        RunInterrupted: Ctrl-C or a termination signal; the run can be resumed.

    Example:
        result = train(compose(["model=mlp", "data=digits"]))
        result.metrics["val_accuracy"]
    """
    began = time.perf_counter()
    config, earlier = _resolve(config)
    with _own_random_numbers(), _threads(config.trainer.threads), quiet_lightning():
        check_machine(config.trainer.accelerator, config.trainer.precision)
        splits = load_splits(config.data, config.seed)
        module = build_module(config, splits)
        directory = Path(earlier.directory) if earlier else run_directory.create(config)
        with run_directory.hold(directory):
            discard_unfinished(directory)
            try:
                session = begin(config, module, splits, directory, earlier, on_epoch)
            except (UserError, MisconfigurationException) as error:
                if earlier is None:
                    run_directory.remove(directory)
                raise _plain(error) from error
            try:
                session.fit()
                conclude(session)
                session.write_sample()
                session.write_confusion()
            except BaseException as error:
                if _is_interruption(error):
                    if threading.current_thread() is threading.main_thread():
                        signal.signal(signal.SIGINT, signal.default_int_handler)  # it is left off
                    session.result.status, session.result.reason = STOPPED, "interrupted"
                    raise RunInterrupted(session.result) from None
                session.fail(error)
                if isinstance(error, SystemExit):
                    raise UserError(f"The run was ended by exit({error.code!r}).") from error
                if isinstance(error, MisconfigurationException):
                    raise _plain(error) from error
                raise
            finally:
                session.record(time.perf_counter() - began)
    return session.result


def _resolve(config: TrainConfig) -> tuple[TrainConfig, RunResult | None]:
    """The configuration to run, checked, and the interrupted run that it resumes."""
    check_run(config)
    config = pinned_sources(config)
    check_own_parts(config)
    if config.trainer.fast_dev_run:
        config = replace(config, group="debug")
    if config.resume == "auto":
        directory = run_directory.find_unfinished(config)
        return config, read_result(directory) if directory else None
    if config.resume:
        earlier = run_directory.open_unfinished(config.resume)
        resumed = earlier.parsed_config().shown_as(config)
        check_trusted(resumed.import_paths(), f"The run in {config.resume}", config.trust)
        check_own_parts(resumed)
        return resumed, earlier
    return config, None


def _plain(error: UserError | MisconfigurationException) -> UserError:
    """Lightning's refusal, of a callback for instance, as a sentence."""
    if isinstance(error, UserError):
        return error
    return UserError(f"Lightning refuses this run: {' '.join(str(error).split())}")


def _is_interruption(error: BaseException) -> bool:
    """Ctrl-C and the termination signal, as they are and as what Lightning makes of them; not an
    ``exit()`` of the user's code."""
    ctrl_c = isinstance(error, SystemExit) and isinstance(error.__context__, KeyboardInterrupt)
    return ctrl_c or isinstance(error, KeyboardInterrupt | SIGTERMException)


@contextmanager
def _own_random_numbers() -> Iterator[None]:
    """Leaves torch's global generators as they were, on the CPU and the device that is used."""
    with torch.random.fork_rng(devices=[0] if torch.cuda.is_available() else []):
        yield


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Torch on ``count`` threads; ``None`` leaves it as it is."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
