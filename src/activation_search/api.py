"""The commands from Python: the same words, the same results.

import activation_search as acts

result = acts.train("model=cnn", "activation=gelu")
study = acts.sweep("search=per_layer", "trials=40", data=acts.arrays(x, y, x_test, y_test))
evidence = acts.compare("candidates=[relu,gelu,prelu]", "seeds=10", model=my_models.build)
model = acts.load(f"{result.directory}/last.ckpt")
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

import activation_search.reports.notebook  # noqa: F401 (registers how results show themselves)
from activation_search.atomic import replacing
from activation_search.config.compare import CompareConfig
from activation_search.config.compose import compose
from activation_search.config.discover import DiscoverConfig
from activation_search.config.engine import EngineConfig
from activation_search.config.overrides import as_override
from activation_search.config.run import Config
from activation_search.config.search import SweepConfig
from activation_search.console import open_console
from activation_search.data.as_array import aligned, as_array
from activation_search.data.files import cache_folder
from activation_search.discovery.discover import run_discover
from activation_search.discovery.found import Discovery
from activation_search.engine.runner import open_runner
from activation_search.errors import UserError
from activation_search.evidence.compare import run_compare
from activation_search.evidence.confirm import confirm
from activation_search.evidence.results import Evidence
from activation_search.exporting.export import EXPORT_FOLDER, Exported, export_model
from activation_search.reports.discovery_figures import write_pictures
from activation_search.reports.report import write_report
from activation_search.reports.study_figures import write_figures
from activation_search.search.sweep import Sweep, run_sweep
from activation_search.training import run as run_module
from activation_search.training.checkpoint import load_checkpoint
from activation_search.training.result import RunResult

Function = Callable[..., Any]


@dataclass(frozen=True)
class Arrays:
    """Arrays on the disk, where workers, resumed studies and repeated runs find them.

    Attributes:
        path: of the file, named by a hash of its content.
    """

    path: str

    def as_overrides(self) -> list[str]:
        """For the command line."""
        return ["data=arrays", f"data.path={as_override(self.path)}"]


def arrays(
    x: Any,
    y: Any,
    x_test: Any,
    y_test: Any,
    x_validation: Any = None,
    y_validation: Any = None,
) -> Arrays:
    """Data of your own, written once to the cache folder.

    Args:
        x, y: inputs and targets to train on, as arrays, tensors or pandas frames, whose columns go
            by their names; see ``data=arrays`` in docs/data.md for the shapes of a sample.
        x_test, y_test: for the one test at the end of a run.
        x_validation, y_validation: taken from the training part where they are left out.

    Raises:
        UserError: one of a pair is left out, or what is given is no array.

    Example:
        data = arrays(x, y, x_test, y_test)
    """
    given = {"x_train": x, "y_train": y, "x_test": x_test, "y_test": y_test,
             "x_validation": x_validation, "y_validation": y_validation}  # fmt: skip
    if (x_validation is None) != (y_validation is None):
        raise UserError("x_validation and y_validation go together.")
    given = {name: value for name, value in given.items() if value is not None}
    for axis in "xy":
        given |= aligned({name: value for name, value in given.items() if name[0] == axis})
    found = {name: as_array(name, value) for name, value in given.items()}
    digest = sha256()
    for name, array in found.items():
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    path = cache_folder() / "arrays" / f"{digest.hexdigest()[:16]}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as new:
            np.savez(new, **found)  # type: ignore[arg-type]  # numpy's stub fears allow_pickle
    return Arrays(str(path))


def train(
    *overrides: str,
    data: Arrays | Function | None = None,
    model: Function | None = None,
    activation: Function | None = None,
) -> RunResult:
    """Trains one model: ``python train.py`` with these overrides.

    Args:
        *overrides: as on the command line.
        data: in place of ``data=``: :func:`arrays`, or a function that returns arrays by their
            names.
        model: in place of ``model=``: a function or class that gives a torch module.
        activation: in place of ``activation=``: a function of a tensor, or a class of modules.

    Returns:
        The run's result, which ``result.json`` in its directory holds too; ``table`` is its curve
        as a frame.

    Raises:
        UserError: a setting, site or activation that is not valid.

    Example:
        train("model=mlp", "data=digits", "activation=gelu").metrics["test_accuracy"]
    """
    return run_module.train(compose([*overrides, *_own(data, model), *_own_activation(activation)]))


def export(
    run: str | PathLike[str],
    format: str,
    out: str | PathLike[str] | None = None,
    trust: bool = False,
) -> Exported:
    """Writes a trained model for other programs: ``python scripts/export.py``.

    Args:
        run: a run directory, whose ``best.ckpt`` is taken, or a checkpoint.
        format: ``onnx``, ``plain``, ``pt2``, ``state_dict`` or ``formula``.
        out: a folder; ``export`` in the run directory by default.
        trust: see :func:`activation_search.load`.

    Returns:
        The files, and how far they are from ``predict``.

    Raises:
        UserError: the model cannot be loaded, or not written in this format.

    Example:
        export(result.directory, "onnx").paths
    """
    path = Path(run)
    folder = Path(out) if out else (path if path.is_dir() else path.parent) / EXPORT_FOLDER
    return export_model(load_checkpoint(path, trust), format, folder)


def sweep(
    *overrides: str, data: Arrays | Function | None = None, model: Function | None = None
) -> Sweep:
    """Runs what is left of a study: ``python scripts/sweep.py`` with these overrides.

    Args:
        *overrides, data, model: see :func:`train`.

    Returns:
        The study; ``table`` is its leaderboard as a frame.

    Raises:
        UserError: a setting that is not valid, or a function that worker processes cannot import.

    Example:
        sweep("search=per_layer", "trials=40").table
    """
    config: SweepConfig = _configured(SweepConfig, overrides, data, model)
    with open_runner(config, open_console()) as runner:
        found = run_sweep(config, runner)
        write_figures(found)
        if config.confirm and not found.left:
            confirm(found, config, runner)
    write_report(found.folder, config.import_paths())
    return found


def compare(
    *overrides: str, data: Arrays | Function | None = None, model: Function | None = None
) -> Evidence:
    """Compares candidates on the same seeds: ``python scripts/compare.py`` with these overrides.

    Args:
        *overrides, data, model: see :func:`train`.

    Returns:
        The evidence; ``table`` has a row per candidate.

    Raises:
        UserError: see :func:`sweep`.

    Example:
        compare("candidates=[relu,gelu]", "seeds=10").table
    """
    config: CompareConfig = _configured(CompareConfig, overrides, data, model)
    with open_runner(config, open_console()) as runner:
        evidence, folder = run_compare(config, runner)
    write_report(folder, config.import_paths())
    return evidence


def discover(
    *overrides: str, data: Arrays | Function | None = None, model: Function | None = None
) -> Discovery:
    """Searches for new functions: ``python scripts/discover.py`` with these overrides.

    Args:
        *overrides, data, model: see :func:`train`.

    Returns:
        What was found; ``table`` has a row per formula, ``evidence`` the comparison at the end.

    Raises:
        UserError: see :func:`sweep`.

    Example:
        discover("model=mlp", "data=mnist1d", "formulas=100").best.description()
    """
    config: DiscoverConfig = _configured(DiscoverConfig, overrides, data, model)
    with open_runner(config, open_console()) as runner:
        found = run_discover(config, runner)
    write_pictures(found)
    if found.evidence:
        write_report(found.folder, config.import_paths())
    return found


def _configured(kind: type[Config], overrides: tuple[str, ...], data: Any, model: Any) -> Config:
    for name, given in (("data", data), ("model", model)):
        if not callable(given) or not issubclass(kind, EngineConfig):
            continue
        module, _, own = _path(name, given).partition(".")
        if module == "__main__":
            raise UserError(
                f"{name}={own} was made in this session, which worker processes "
                "cannot import: put it into a file."
            )
    return compose([*overrides, *_own(data, model)], kind)


def _own(data: Arrays | Function | None, model: Function | None) -> list[str]:
    """The overrides that name data and model of the user's own."""
    found: list[str] = []
    if isinstance(data, Arrays):
        found += data.as_overrides()
    elif data is not None:
        found += ["data=function", f"data.function={_path('data', data)}"]
    if model is not None:
        found += ["model=function", f"model.function={_path('model', model)}"]
    return found


def _own_activation(activation: Function | None) -> list[str]:
    if activation is None:
        return []
    return ["activation=custom", f"activation.target={_path('activation', activation)}"]


def _is_found(path: str, function: Function) -> bool:
    module, _, name = path.rpartition(".")
    return getattr(sys.modules.get(module), name, None) is function


def _path(name: str, function: Function) -> str:
    """How the function is imported.

    Raises:
        UserError: it is none, or stands inside another one.
    """
    names = [getattr(function, kind, "") for kind in ("__qualname__", "__name__")]
    paths = [f"{getattr(function, '__module__', '')}.{own}" for own in names]
    # Functions of torch itself, such as torch.relu, have another one for their qualified name.
    path = next((path for path in paths if _is_found(path, function)), paths[0])
    if not callable(function) or "<" in path or path.startswith(".") or path.endswith("."):
        raise UserError(
            f"{name} must be a function or class at the top level of a module, not {function!r}."
        )
    return path
