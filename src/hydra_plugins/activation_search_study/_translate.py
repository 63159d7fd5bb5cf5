"""From choices and ranges in Hydra's grammar to the overrides of ``python scripts/sweep.py``."""

from collections.abc import Iterator, Sequence
from typing import Any

from hydra.core.override_parser.types import Glob, IntervalSweep, Override

from activation_search.activations.catalogue import lookup
from activation_search.config.overrides import as_override
from activation_search.errors import UserError

LAYER = "activation.layers."
# The sweeper's settings -> those of a study.
NAMES = {
    "n_trials": "trials",
    "n_jobs": "workers",
    "study_name": "name",
    "storage": "storage",
    "sampler": "sampler",
    "pruner": "pruner",
}


def translated(overrides: Sequence[Override], settings: dict[str, Any]) -> list[str]:
    """The overrides of a study.

    Args:
        overrides: fixed ones, which hold for all trials, and those with several values.
        settings: of the sweeper, by its names.

    Raises:
        UserError: nothing is drawn, or something that a study does not draw.
    """
    settings = settings | {"n_jobs": "auto" if settings["n_jobs"] == -1 else settings["n_jobs"]}
    study = [f"{NAMES[name]}={as_override(value)}" for name, value in settings.items()]
    fixed = [str(override.input_line) for override in overrides if not override.is_sweep_override()]
    drawn = {o.get_key_element(): o for o in overrides if o.is_sweep_override()}
    if "seed" in drawn:
        study += _seeds(drawn.pop("seed"))
    if not drawn:
        raise UserError(
            "hydra/sweeper=study has nothing to draw; give a choice, such as "
            "'activation=choice(relu,gelu)', or a range, such as 'optim.lr=interval(1e-3,1e-1)'."
        )
    layers = {key: o for key, o in drawn.items() if key.startswith(LAYER)}
    others = {key: o for key, o in drawn.items() if key not in layers and key != "activation"}
    if "activation" in drawn and layers:
        raise UserError(
            f"activation and {next(iter(layers))} cannot both be drawn: one fills all sites, the "
            "other a single one."
        )
    if "activation" in drawn:
        study += ["search=global", f"search.candidates=[{_values(drawn['activation'])}]"]
    else:
        study += ["search=per_layer", *_sites(layers)]
    ranges = ",".join(f"{key}:{_range(key, override)}" for key, override in others.items())
    return [*fixed, *study, f"search.hparams={{{ranges}}}"]


def _sites(layers: dict[str, Override]) -> Iterator[str]:
    """The sites of a search, and what each of them has to choose from; perhaps none."""
    by_site = {key.removeprefix(LAYER).replace(".", "_"): o for key, o in layers.items()}
    yield f"search.sites=[{','.join(by_site)}]"
    if by_site:
        listed = ",".join(f"{site}:[{_values(o)}]" for site, o in by_site.items())
        yield f"search.candidates={{{listed}}}"


def _values(override: Override) -> str:
    if override.is_interval_sweep():
        raise UserError(f"{override.input_line}: an activation is a choice, not an interval.")
    values = override.sweep_string_iterator()
    if isinstance(override.value(), Glob):  # of all activations: those that are one by their name
        values = (v for v in values if (entry := lookup(v)) and not entry.open_parameters)
    return ",".join(values)


def _range(key: str, override: Override) -> str:
    """What ``search.hparams`` takes for a setting."""
    if key in ("model", "data", "experiment"):
        raise UserError(
            f"A study has one {key}; several are compared by python scripts/compare.py "
            "'models=[mlp,cnn]' 'datasets=[mnist1d,digits]', or tried by -m without "
            "hydra/sweeper=study."
        )
    if key.startswith("activation."):
        raise UserError(
            f"{key} is drawn together with its activation: "
            "python scripts/sweep.py search.parameters=true."
        )
    values = override.value()
    if not isinstance(values, IntervalSweep):
        return f"[{_values(override)}]"
    assert values.start is not None
    assert values.end is not None
    log = str("log" in values.tags).lower()
    return f"{{low:{_plain(values.start)},high:{_plain(values.end)},log:{log}}}"


def _plain(number: float) -> str:
    """Hydra makes every end a float; a setting that is a whole number takes none."""
    return str(int(number)) if number.is_integer() else repr(number)


def _seeds(override: Override) -> list[str]:
    """Several seeds are the runs of each trial."""
    seeds = [] if override.is_interval_sweep() else list(override.sweep_iterator())
    if seeds and all(isinstance(s, int) for s in seeds):
        first = int(seeds[0])  # type: ignore[arg-type]
        if seeds == list(range(first, first + len(seeds))):
            return [f"seed={first}", f"seeds_per_trial={len(seeds)}"]
    raise UserError(
        f"{override.input_line}: a study runs each trial on seeds that follow each other, such as "
        "seed=0,1,2."
    )
