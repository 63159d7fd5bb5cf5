"""The configuration of a run: typed, with its limits. Torch and Hydra are not imported."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from activation_search.activations.choice import ActivationChoice
from activation_search.config.data import DATA_CONFIGS, DataConfig, check_class_weights
from activation_search.config.limits import check, setting
from activation_search.config.models import MODEL_CONFIGS, FunctionModelConfig, ModelConfig
from activation_search.config.optim import OptimConfig, check_optim
from activation_search.config.parts import (
    EarlyStoppingConfig,
    HealthConfig,
    TaskConfig,
    TensorBoardConfig,
    TrainerConfig,
    tracker_names,
)
from activation_search.errors import UserError, unknown

INITS = ("gain", "he", "torch", "own")
MAX_SEED = 2**62  # leaves room for the seeds that follow it


# Settings of the trainer that make no difference to what is trained.
NOT_IDENTITY = ("accelerator", "checkpoints", "profiler", "progress")


@dataclass
class TrainConfig:
    """One run."""

    model: ModelConfig
    data: DataConfig
    activation: ActivationChoice
    task: TaskConfig = field(default_factory=TaskConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    tensorboard: TensorBoardConfig = field(default_factory=TensorBoardConfig)
    health: HealthConfig = field(default_factory=HealthConfig)
    early_stopping: EarlyStoppingConfig = field(default_factory=EarlyStoppingConfig)
    init: str = setting(
        "gain",
        choices=INITS,
        help="how weights are drawn: scaled by the gain of the activation they read, He, torch's; "
        "own for model=function, whose constructor draws them",
    )
    seed: int = setting(0, low=0, high=MAX_SEED, help="of split, weights and order of batches")
    tracker: Any = setting(
        None,
        help="where a run is followed beside TensorBoard, one or a list: csv for curve.csv in the "
        "run directory, mlflow, wandb",
    )
    test: bool = setting(True, help="evaluate the test split once, at the end")
    resume: str | None = setting(
        None, help="auto for the newest unfinished run of this configuration, or a run directory"
    )
    trust: bool = setting(
        False, help="import code that only a file names: a run to resume, a candidate's YAML"
    )
    logs: str = setting("logs", help="root of everything written")
    group: str = setting("train", help="folder below it")

    def as_dict(self) -> dict[str, Any]:
        """Plain data that :func:`from_dict` reads back."""
        return {**asdict(self), "activation": self.activation.as_dict()}

    @property
    def label(self) -> str:
        """Short name of the run's folder: model, data, activation."""
        return f"{self.model.label}-{self.data.label}-{self.activation.label}"

    @property
    def validates(self) -> bool:
        """Whether there is anything to validate on."""
        return self.data.validation > 0 or self.trainer.overfit_batches > 0

    def import_paths(self) -> set[str]:
        """Code of the user's that this configuration names, and that running it imports."""
        own = {getattr(part, "function", None) for part in (self.model, self.data)}
        own |= {*self.optim.own().values(), *self.trainer.own("callbacks", "loggers")}
        return activation_imports(self.activation.as_dict()) | {path for path in own if path}

    def as_run(self) -> "TrainConfig":
        """The run alone, without what a study or comparison adds."""
        return TrainConfig(**{item.name: getattr(self, item.name) for item in fields(TrainConfig)})

    def identity(self) -> dict[str, Any]:
        """Settings that affect the numbers; output location and display are left out."""
        plain = {**self.as_dict(), "activation": self.activation.identity()}
        for key in ("resume", "trust", "logs", "group", "tensorboard", "health", "tracker"):
            del plain[key]
        for key in (*NOT_IDENTITY, "loggers"):
            del plain["trainer"][key]
        return plain

    def shown_as(self, other: "TrainConfig") -> "TrainConfig":
        """This run on the machine, and with the display, that another configuration asks for."""
        shown = {key: getattr(other.trainer, key) for key in NOT_IDENTITY}
        return replace(self, trainer=replace(self.trainer, **shown))


def activation_imports(given: Any) -> set[str]:
    """Import paths in activations, however they are written: in lists, mappings, per layer.

    Example:
        activation_imports([{"name": "custom", "target": "mine.wave"}, "relu"])  # {"mine.wave"}
    """
    if isinstance(given, Mapping):
        own = {str(given["target"])} if given.get("target") else set()
        return own.union(*map(activation_imports, given.values()))
    if isinstance(given, list | tuple):
        return set().union(*map(activation_imports, given))
    return set()


def fingerprint(plain: dict[str, Any]) -> str:
    """A short name for a configuration: equal ones have the same."""
    return sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:12]


@dataclass
class InitialConfig(TrainConfig):
    """A run that is looked at before it starts, once per activation."""

    activations: Any = setting(
        None, help="for the whole model, side by side; null for the run's own assignment"
    )


def check_run(config: TrainConfig) -> None:
    """Holds every setting to its limits, and to what it needs of others.

    Raises:
        UserError: one that is not valid.
    """
    if config.trainer.max_steps == 0:
        raise UserError(
            "trainer.max_steps=0 trains nothing; python scripts/health.py with the same settings "
            "shows the state at initialisation."
        )
    check(config)
    check_class_weights(config.data.class_weights)
    check_optim(config.optim)
    if "wandb" in tracker_names(config.tracker) and not config.tensorboard.enabled:
        raise UserError("tracker=wandb sends what TensorBoard gets: tensorboard.enabled=true.")
    config.import_paths()  # in which parts of the user's own are read
    if Path(config.group).is_absolute() or ".." in Path(config.group).parts:
        raise UserError(f"group={config.group} must be a folder below logs.")
    if config.early_stopping.patience is not None and not config.validates:
        raise UserError("early_stopping.patience needs a validation split: data.validation=0.2.")
    if (
        config.early_stopping.patience is not None
        and config.test
        and not config.trainer.checkpoints
    ):
        raise UserError(
            "early_stopping.patience tests the best weights, which trainer.checkpoints=false does "
            "not keep; set test=false, or keep them."
        )
    if (config.init == "own") != isinstance(config.model, FunctionModelConfig):
        raise UserError(
            f"init={config.init} does not go with model={config.model.name}: a model of your own "
            "draws its weights itself (init=own), the others are drawn by gain, he or torch."
        )
    if config.data.batch_size == 1 and getattr(config.model, "norm", "") == "batch":
        raise UserError("model.norm=batch needs data.batch_size of 2 or more, not 1.")


def describe(config: TrainConfig) -> dict[str, Any]:
    """The settings that a reader of a report asks for."""
    plain = config.as_dict()
    return {
        **{key: _given(plain[key]) for key in ("model", "data")},
        "epochs": config.trainer.max_epochs,
        "precision": config.trainer.precision,
        "optim": _given(plain["optim"]),
        "init": config.init,
        "early stopping": config.early_stopping.patience,
    }


def _given(plain: dict[str, Any]) -> dict[str, Any]:
    """Without what is not set."""
    return {key: value for key, value in plain.items() if value not in (None, {}, [])}


Config = TypeVar("Config", bound=TrainConfig)


def from_dict(plain: Mapping[str, Any], kind: type[Config] = TrainConfig) -> Config:  # type: ignore[assignment]
    """The configuration that ``as_dict`` made plain, for instance in a checkpoint.

    Args:
        plain: its values.
        kind: which configuration it is.

    Raises:
        UserError: a key that is no setting, or one that is missing.
    """
    hints = get_type_hints(kind)
    parts: dict[str, Any] = {}
    for key, value in _known(kind, plain, "").items():
        if key in ("model", "data"):
            groups = MODEL_CONFIGS if key == "model" else DATA_CONFIGS
            name = value.get("name") if isinstance(value, Mapping) else None
            if key == "model" and name not in groups:
                raise unknown("model.name", name, groups)
            parts[key] = _build(groups.get(str(name), DataConfig), value, key)
        elif key == "activation":
            parts[key] = ActivationChoice.parse(value)
        else:
            parts[key] = _build(hints[key], value, key) if is_dataclass(hints[key]) else value
    return kind(**parts)


def _build(kind: Any, plain: Any, path: str) -> Any:
    """A part of the configuration; its values are checked later, see :func:`check_run`."""
    return kind(**_known(kind, plain, path))


def _known(kind: Any, plain: Any, path: str) -> dict[str, Any]:
    """The values as keyword arguments of a dataclass.

    Raises:
        UserError: they are no mapping, one is no setting, or one that has no default is missing.
    """
    names = {item.name: item for item in fields(kind)}
    if not isinstance(plain, Mapping):
        raise UserError(f"{path} has settings of its own ({', '.join(names)}), not {plain!r}.")
    for key in plain:
        if key not in names:
            raise unknown(f"{path} setting".strip(), key, [n for n in names if n != "name"])
    for name, item in names.items():
        if name not in plain and item.default is MISSING and item.default_factory is MISSING:
            raise UserError(f"{f'{path}.{name}'.lstrip('.')} is missing.")
    return dict(plain)
