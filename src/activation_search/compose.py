"""The one module that speaks Hydra: registers the schema, composes configurations, and turns
Hydra's errors into one sentence each.

    python -c "from activation_search.compose import compose; print(compose(['activation=gelu']))"
"""

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import field, make_dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    InterpolationKeyError,
    MissingMandatoryValue,
    OmegaConfBaseException,
    UnsupportedInterpolationType,
    ValidationError,
)

from activation_search.activations.catalogue import ENTRIES
from activation_search.activations.entry import Entry
from activation_search.activations.names import own_overrides
from activation_search.data.config import DATA_CONFIGS, DataConfig
from activation_search.errors import UserError, unknown
from activation_search.evidence.config import CompareConfig
from activation_search.models.config import MODEL_CONFIGS
from activation_search.models.sites import MODEL_DEFAULT
from activation_search.search.config import SearchConfig, SweepConfig
from activation_search.training.config import (
    SHOWN,
    Config,
    InitialConfig,
    TrainConfig,
    from_dict,
)

# What Hydra raises for some odd overrides, such as model=null and experiment=[a].
_HYDRAS_OWN = (ValueError, OSError, TypeError)
CONF = Path(__file__).parents[2] / "conf"
# Which file of it makes which kind of configuration.
_FILES: dict[type, str] = {
    TrainConfig: "train",
    SweepConfig: "sweep",
    InitialConfig: "health",
    CompareConfig: "compare",
}


@cache
def register() -> None:
    """Puts the typed schema of every group into Hydra's store, and one option of ``activation``
    per catalogue entry; once in a process."""
    store = ConfigStore.instance()
    # Hydra copies its list of sources, the whole store in it, for every group it looks up: three
    # quarters of the time of composing. It gives out copies of single nodes, so one store will do.
    store.__deepcopy__ = lambda memo: store  # type: ignore[attr-defined]
    store.store(name="schema", node=TrainConfig)
    store.store(name="sweep_schema", node=SweepConfig)
    store.store(name="health_schema", node=InitialConfig)
    store.store(name="compare_schema", node=CompareConfig)
    search = OmegaConf.structured(SearchConfig)
    OmegaConf.set_struct(search.hparams, False)
    store.store(group="schema/search", name="search", node=search)
    store.store(group="schema/data", name="data", node=DataConfig)
    for name, data in DATA_CONFIGS.items():
        store.store(group="schema/data", name=name, node=data)
    for name, model in MODEL_CONFIGS.items():
        store.store(group="schema/model", name=name, node=model)
    store.store(group="activation", name=MODEL_DEFAULT, node=_activation_node(MODEL_DEFAULT))
    for name, entry in ENTRIES.items():
        store.store(group="activation", name=name, node=_activation_node(name, entry))


def _activation_node(name: str, entry: Entry | None = None) -> DictConfig:
    """``{name, <typed parameters with their defaults>, layers: {}}``."""
    parameters = entry.parameters if entry else {}
    fields: list[Any] = [("name", str, name)]
    fields += [(key, type(p.default), p.default) for key, p in parameters.items()]
    fields += [("layers", dict[str, Any], field(default_factory=dict))]
    node = OmegaConf.structured(make_dataclass(name.title().replace("_", ""), fields))
    OmegaConf.set_struct(node.layers, False)
    if entry and entry.open_parameters:
        OmegaConf.set_struct(node, False)
    return node


def to_config(composed: DictConfig, kind: type[Config] = TrainConfig) -> Config:  # type: ignore[assignment]
    """The typed configuration from what Hydra composed."""
    try:
        plain = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise explain(error) from error
    assert isinstance(plain, dict)
    if HydraConfig.initialized():
        _check_groups(HydraConfig.get().overrides.task)
    return from_dict({str(key): value for key, value in plain.items()}, kind)


def _check_groups(overrides: Sequence[str]) -> None:
    """The option of a group is chosen as ``model=mlp``; its name alone would keep the others'
    settings.

    Raises:
        UserError: an override sets the name.
    """
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        group, _, name = key.partition(".")
        if name == "name" and group in ("model", "data", "activation", "search"):
            raise UserError(f"{key}={value} does not choose another one; write {group}={value}.")


def job_config(composed: DictConfig) -> TrainConfig:
    """The configuration of a job of ``@hydra.main``; those of one multirun share a folder.

    Raises:
        UserError: a run to resume by its path is given other settings than its own; only where
            it is shown, and on which machine it runs, may be told anew.
    """
    config: TrainConfig = to_config(composed)
    job = HydraConfig.get()
    if job.mode is RunMode.MULTIRUN:
        config.group = f"multirun/{Path(job.sweep.dir).name}"
    if config.resume not in (None, "auto"):
        shown = (f"trainer.{key}=" for key in SHOWN)
        allowed = ("resume=", "trust=", "logs=", "tensorboard.", *shown)
        others = [o for o in job.overrides.task if not o.startswith(allowed)]
        if others:
            raise UserError(
                f"resume={config.resume} goes on with that run's own configuration; "
                f"leave out {' '.join(others)}."
            )
    return config


def compose(
    overrides: Sequence[str] = (),
    kind: type[Config] = TrainConfig,  # type: ignore[assignment]
) -> Config:
    """The configuration for these command-line overrides.

    Args:
        overrides: as on the command line.
        kind: of ``train.py``, or of a script.

    Raises:
        UserError: an override that Hydra or the schema refuses.
    """
    register()
    # Inside a job of ``@hydra.main`` there is a Hydra already; it is put back afterwards.
    outer = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        _check_groups(overrides)
        with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
            return to_config(hydra.compose(_FILES[kind], own_overrides(overrides)), kind)
    except UserError:
        raise
    except (HydraException, OmegaConfBaseException, *_HYDRAS_OWN) as error:
        raise explain(error) from error
    finally:
        GlobalHydra.instance().hydra = outer


def explained(main: Callable[[], None]) -> None:
    """Runs a ``@hydra.main`` function.

    Raises:
        UserError: in place of Hydra's and OmegaConf's errors.
    """
    # Hydra would print a traceback and exit by itself; with this it lets errors through.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    sys.argv[1:] = _readable(own_overrides(sys.argv[1:]))
    try:
        with _without_empty_folders():
            main()
    except (HydraException, OmegaConfBaseException) as error:
        raise explain(error) from error
    except _HYDRAS_OWN as error:
        # From inside a job it is a fault of the program.
        if "run_job" in {frame.name for frame in traceback.extract_tb(error.__traceback__)}:
            raise
        raise explain(error) from error


def _readable(words: list[str]) -> list[str]:
    """The command line as Hydra's parser reads it, which wants ``-m`` before all overrides.

    Raises:
        UserError: an option that there is none of; Hydra's parser would print its usage.
    """
    multirun = [word for word in words if word in ("-m", "--multirun")]
    words = [*multirun[:1], *(word for word in words if word not in multirun)]
    parser = get_args_parser()

    def refuse(message: str) -> NoReturn:
        raise UserError(f"{message[:1].upper()}{message[1:]}; see --help.")

    parser.error = refuse  # type: ignore[method-assign]
    parser.parse_args(words)
    return words


class NoteFolder(Callback):
    """Notes the folders that Hydra makes before its first job: innermost first, and those alone
    that do not exist yet, since others are the user's."""

    made: ClassVar[list[Path]] = []

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        self._note(Path(config.hydra.run.dir))

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        self._note(Path(config.hydra.sweep.dir))

    def _note(self, folder: Path) -> None:
        self.made[:] = [path for path in (folder, *folder.parents) if not path.exists()]


@contextmanager
def _without_empty_folders() -> Iterator[None]:
    """Removes the folders that Hydra made and in which nothing was left."""
    try:
        yield
    finally:
        with suppress(OSError):  # something lies in one of them
            for number, folder in enumerate(NoteFolder.made):
                if number == 0 and [p.name for p in folder.iterdir()] == ["multirun.yaml"]:
                    (folder / "multirun.yaml").unlink()
                folder.rmdir()
        NoteFolder.made.clear()


def explain(error: Exception) -> UserError:
    """Hydra's or OmegaConf's error as one sentence with what is allowed and the nearest guess."""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options:
        group, _, option = error.missing_cfg_file.rpartition("/")
        return unknown(group, option, sorted(error.options))
    if isinstance(error, OverrideParseException):
        return UserError(
            f"Cannot read the override {error.override!r}; write key=value, and a value with "
            "blanks or signs in quotes of its own: \"data.path='my file.csv'\"."
        )
    cause = error if isinstance(error, OmegaConfBaseException) else error.__cause__
    if isinstance(cause, ConfigKeyError | ConfigAttributeError):
        node = cause.parent_node
        section = node._get_full_key(None) if node is not None else ""
        if node is not None and "name" in node and section in ("model", "data", "activation"):
            section = f"{section}={node['name']}"  # which of them has no such setting
        siblings = [key for key in node or () if key not in _NOT_SETTINGS]
        return unknown(f"{section} setting".strip(), cause.key, siblings)
    if isinstance(cause, MissingMandatoryValue):
        return UserError(f"{cause.full_key} has no value; give it one, or leave it out.")
    if isinstance(cause, ValidationError | InterpolationKeyError | UnsupportedInterpolationType):
        return UserError(f"{cause.full_key}: {str(cause).splitlines()[0].rstrip('.')}.")
    return UserError(" ".join(str(error).split()))


# Keys of the composed configuration that are chosen as a group's option, or not by the user.
_NOT_SETTINGS = ("hydra", "group", "name")
