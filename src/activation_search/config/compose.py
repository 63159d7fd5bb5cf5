"""Hydra composes configurations here: registers the schema, and turns Hydra's errors into one
sentence each.

    from activation_search.config.compose import compose
    print(compose(["activation=gelu"]))
"""

from collections.abc import Sequence
from dataclasses import field, fields, make_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import MISSING, DictConfig, OmegaConf
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
from activation_search.activations.names import MODEL_DEFAULT, own_overrides
from activation_search.config.compare import CompareConfig
from activation_search.config.data import DATA_OPTIONS
from activation_search.config.discover import DiscoverConfig
from activation_search.config.elsewhere import elsewhere
from activation_search.config.hints import check_habits
from activation_search.config.models import MODEL_CONFIGS, FunctionModelConfig
from activation_search.config.run import (
    Config,
    InitialConfig,
    TrainConfig,
    from_dict,
)
from activation_search.config.search import SearchConfig, SweepConfig
from activation_search.errors import UserError, unknown
from activation_search.passwords import without_password

# What Hydra raises for some odd overrides, such as model=null and experiment=[a].
HYDRAS_OWN = (ValueError, OSError, TypeError, OverflowError)
# Hydra's own groups, for the running of jobs; what composes a configuration throws them away.
FOR_JOBS = ("env", "help", "hydra_help", "hydra_logging", "job_logging", "launcher", "output",
            "sweeper")  # fmt: skip
# Of the packages in the extra [launchers].
LAUNCHERS = ("joblib", "submitit_local", "submitit_slurm")
# In a checkout the folder at the top, to which a link leads; in an installed package a copy.
CONF = (Path(__file__).parents[1] / "conf").resolve()
# Which file of it makes which kind of configuration.
FILES: dict[type, str] = {
    TrainConfig: "train",
    SweepConfig: "sweep",
    InitialConfig: "health",
    CompareConfig: "compare",
    DiscoverConfig: "discover",
}


@cache
def register() -> None:
    """Puts the typed schema into Hydra's store, and the options of ``model``, ``data`` and
    ``activation``, one per catalogue entry; once in a process."""
    store = ConfigStore.instance()
    # Hydra copies its list of sources, the whole store in it, for every group it looks up: three
    # quarters of the time of composing. It gives out copies of single nodes, so one store will do.
    store.__deepcopy__ = lambda memo: store  # type: ignore[attr-defined]
    store.store(name="schema", node=_schema(TrainConfig))
    store.store(name="sweep_schema", node=_schema(SweepConfig))
    store.store(name="health_schema", node=_schema(InitialConfig))
    store.store(name="compare_schema", node=_schema(CompareConfig))
    store.store(name="discover_schema", node=_schema(DiscoverConfig))
    search = OmegaConf.structured(SearchConfig)
    OmegaConf.set_struct(search.hparams, False)
    OmegaConf.set_struct(search.limits, False)  # checked with the metric, see search/costs.py
    store.store(group="schema/search", name="search", node=search)
    for option, data in DATA_OPTIONS.items():
        store.store(group="data", name=option, node=data)
    for option, model in MODEL_CONFIGS.items():
        if model is not FunctionModelConfig:
            store.store(group="model", name=option, node=model)
    # It brings its own way of drawing weights along.
    own = OmegaConf.create({"model": OmegaConf.structured(FunctionModelConfig), "init": "own"})
    OmegaConf.set_struct(own.model.args, False)
    store.store(group="model", name="function", node=own, package="_global_")
    store.store(group="activation", name=MODEL_DEFAULT, node=_activation_node(MODEL_DEFAULT))
    for name, entry in ENTRIES.items():
        store.store(group="activation", name=name, node=_activation_node(name, entry))


def _schema(config: type) -> DictConfig:
    """The configuration as typed, but for the activation, whose keys are those of the option, and
    for arguments of the user's own code."""
    kind = make_dataclass(config.__name__, [("activation", Any, MISSING)], bases=(config,))
    node = OmegaConf.structured(kind)
    for own in (node.optim.args, node.optim.schedule_args):
        OmegaConf.set_struct(own, False)
    return node


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
    check_habits(overrides, "search" in {item.name for item in fields(kind)})
    # Inside a job of ``@hydra.main`` there is a Hydra already; it is put back afterwards.
    outer = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        _check_groups(overrides)
        with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
            composed = hydra.compose(FILES[kind], [*own_overrides(overrides), *_without(overrides)])
            return to_config(composed, kind)
    except UserError:
        raise
    except (HydraException, OmegaConfBaseException, *HYDRAS_OWN) as error:
        raise explain(error) from error
    finally:
        GlobalHydra.instance().hydra = outer


def _without(overrides: Sequence[str]) -> list[str]:
    """Overrides that leave out Hydra's own groups, a third of the time of composing; none where one
    of them is set."""
    if any(override.lstrip("+~").startswith("hydra") for override in overrides):
        return []
    return [f"~hydra/{group}" for group in FOR_JOBS]


def explain(error: Exception) -> UserError:
    """Hydra's or OmegaConf's error as one sentence with what is allowed and the nearest guess."""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options:
        group, _, option = error.missing_cfg_file.rpartition("/")
        if group == "hydra/launcher" and option in LAUNCHERS:
            return UserError(
                f"{group}={option} needs Hydra's launchers: pip install -e '.[launchers]'."
            )
        if group == "activation" and "." in option:
            return UserError(
                f"activation={option} is a path to a function of your own: "
                f"activation=custom activation.target={option}."
            )
        return unknown(group, option, sorted(error.options))
    if isinstance(error, OverrideParseException):
        return _unreadable(error.override)
    text = str(error)
    if "INTERVAL_SWEEP" in text or ("interval(" in text and "requires --multirun" in text):
        return UserError(
            "interval(…) is drawn by a study: python train.py -m hydra/sweeper=study "
            "'optim.lr=tag(log,interval(1e-4,1e-1))'."
        )
    cause = error if isinstance(error, OmegaConfBaseException) else error.__cause__
    if isinstance(cause, ConfigKeyError | ConfigAttributeError):
        node = cause.parent_node
        section = node._get_full_key(None) if node is not None else ""
        if node is not None and "name" in node and section in ("model", "data", "activation"):
            section = f"{section}={node['name']}"  # which of them has no such setting
        if place := elsewhere(section.partition("=")[0], str(cause.key)):
            return UserError(f"Unknown {f'{section} setting'.strip()} {cause.key!r}: {place}.")
        siblings = [key for key in node or () if key not in _NOT_SETTINGS]
        return unknown(f"{section} setting".strip(), cause.key, siblings)
    if isinstance(cause, MissingMandatoryValue):
        return UserError(f"{cause.full_key} has no value; give it one, or leave it out.")
    if isinstance(cause, ValidationError) and "is not a ListConfig" in str(cause):
        return UserError(f"{cause.full_key} takes a list: {cause.full_key}=[a,b].")
    if isinstance(cause, ValidationError | InterpolationKeyError | UnsupportedInterpolationType):
        return UserError(f"{cause.full_key}: {str(cause).splitlines()[0].rstrip('.')}.")
    return UserError(" ".join(str(error).split()))


def _unreadable(override: str) -> UserError:
    """Of an override that Hydra cannot parse."""
    override = without_password(override)
    key, _, value = override.partition("=")
    group, _, pattern = key.partition(".layers.")
    if pattern and value and any(sign in pattern for sign in "*?["):
        example = f"a pattern stands within braces: '{group}.layers={{{pattern}: {value}}}'"
    elif value and not set(value) & set("'\""):
        example = f"a value with blanks or signs stands in quotes of its own: \"{key}='{value}'\""
    else:
        example = (
            "write key=value, and a value with blanks or signs in quotes of its own: "
            "\"data.path='my file.csv'\""
        )
    return UserError(f"Cannot read the override {override!r}; {example}.")


# Keys of the composed configuration that are chosen as a group's option, or not by the user.
_NOT_SETTINGS = ("hydra", "group", "name")
