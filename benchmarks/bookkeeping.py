"""What a study costs beside its training:  python benchmarks/bookkeeping.py --trials 1000

Trials whose job returns at once, from the driver to the storage and the leaderboard. Prints the
milliseconds per trial at trials 50, 500 and 1,000, and the calls of the storage per trial.

    python benchmarks/bookkeeping.py --samplers random --trials 10000
    python benchmarks/bookkeeping.py --storage postgresql+psycopg://user@host/database
"""

import statistics
import tempfile
import time
from collections import Counter
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from optuna.storages import BaseStorage
from rich.console import Console
from rich.table import Table

from activation_search.config.compose import compose
from activation_search.config.search import SweepConfig
from activation_search.console import ArgumentParser
from activation_search.engine.engine import Results
from activation_search.engine.job import Job, Judge
from activation_search.engine.runner import Runner
from activation_search.errors import exit_code
from activation_search.models.factory import sites_on
from activation_search.models.sites import assign
from activation_search.reports.report import write_report
from activation_search.search import study as study_module
from activation_search.search.sweep import run_sweep
from activation_search.seeds import derive
from activation_search.training.result import FINISHED, RunResult

STUDY = ["model=mlp", "data=digits", "search=per_layer", "model.depth=4", "trainer.threads=1"]
AROUND = (50, 500, 1000)  # trials at which a stretch of them is timed
STRETCH = 20


class InstantEngine:
    """Gives each job a result without training: a metric that depends on the seed alone."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.sites: list[Any] = []

    def slots(self) -> int:
        return 1

    def submit(self, job: Job, judge: Judge | None = None) -> Results:
        self.times.append(time.perf_counter())
        [config] = job.runs
        self.sites = self.sites or list(sites_on(config.model, config.data))
        result = RunResult(
            directory=f"{config.logs}/{len(self.times)}",
            config=config.as_dict(),
            status=FINISHED,
            metric="accuracy",
            metrics={"val_accuracy": derive(len(self.times), "value") % 1000 / 1000},
            assignment={s: str(a) for s, a in assign(self.sites, config.activation).items()},
            seed=config.seed,
            steps=1,
        )
        future: Results = Future()
        future.set_result([result])
        return future

    def wait(self, timeout: float) -> None:
        pass

    def close(self) -> None:
        pass


def counted(storage: BaseStorage, calls: Counter[str]) -> BaseStorage:
    """The storage, each of whose public methods counts its calls."""

    def wrap(name: str, method: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            calls[name] += 1
            return method(*args, **kwargs)

        return call

    for name in dir(BaseStorage):
        if not name.startswith("_") and callable(getattr(storage, name)):
            setattr(storage, name, wrap(name, getattr(storage, name)))
    return storage


def measure(sampler: str, trials: int, storage: str | None, folder: str) -> list[str]:
    """One row: sampler, milliseconds at ``AROUND``, all seconds, calls per trial, report."""
    name = f"{sampler}-{trials}-{time.time_ns()}"
    given = [*STUDY, f"sampler={sampler}", f"trials={trials}", f"name={name}", f"logs={folder}"]
    if storage:
        given.append(f"storage='{storage}'")
    calls: Counter[str] = Counter()
    open_storage = study_module.open_storage
    study_module.open_storage = lambda url: counted(open_storage(url), calls)
    engine = InstantEngine()
    try:
        began = time.perf_counter()
        sweep = run_sweep(compose(given, SweepConfig), Runner(engine, Console(quiet=True)))
        seconds = time.perf_counter() - began
    finally:
        study_module.open_storage = open_storage
    began = time.perf_counter()
    write_report(sweep.folder, set())
    report = time.perf_counter() - began
    steps = [b - a for a, b in zip(engine.times, engine.times[1:], strict=False)]
    around = [steps[max(0, at - STRETCH) : at] for at in AROUND]
    return [
        sampler,
        *(f"{1000 * statistics.median(part):.1f}" if part else "" for part in around),
        f"{seconds:.1f}",
        f"{sum(calls.values()) / trials:.2f}",
        f"{report:.1f}",
    ]


def main() -> None:
    parser = ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samplers", nargs="+", default=["random", "tpe"])
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--storage", help="defaults to a journal")
    given = parser.parse_args()
    table = Table(title=f"{given.trials} instant trials", title_justify="left")
    headings = [
        "sampler",
        *(f"ms at {at}" for at in AROUND),
        "seconds",
        "calls per trial",
        "report",
    ]
    for heading in headings:
        table.add_column(heading, justify="right")
    with tempfile.TemporaryDirectory() as folder:
        for sampler in given.samplers:
            table.add_row(*measure(sampler, given.trials, given.storage, str(Path(folder))))
    Console().print(table)


if __name__ == "__main__":
    raise SystemExit(exit_code(main))
