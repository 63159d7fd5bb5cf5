"""From what the user wrote to a search space, with every mistake told before anything runs."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from os.path import commonprefix
from typing import Any, get_args, get_type_hints

from activation_search.activations import ENTRIES, Activation
from activation_search.config.models import FunctionModelConfig
from activation_search.config.run import TrainConfig
from activation_search.config.search import DEFAULT_CANDIDATES, SearchConfig
from activation_search.errors import UserError, unknown
from activation_search.models.sites import Site
from activation_search.search.space import WHOLE_MODEL, Choice, Point, Range, Space

MAX_UNTIED = 8  # sites that a search of each by itself can tell apart
# Below them, but what others follow from: files and code are read once for a study.
FIXED = ("name", "path", "function", "target", "schedule_target", "sha256")
SEARCHED = ("model", "data", "optim", "trainer", "early_stopping", "init")  # beside activations


def build_space(search: SearchConfig, base: TrainConfig, sites: Sequence[Site]) -> Space:
    """The space over a model's sites.

    Raises:
        UserError: an unknown candidate, site or setting, a range that is none, or nothing to
            search.
    """
    if not search.per_site and search.tie:
        raise UserError("search.tie needs search.per_site=true; without it all sites share one.")
    candidates = _candidates(search.candidates, [site.name for site in sites])
    if not search.per_site and set(candidates) != {"*"}:
        raise UserError(
            "search.candidates has lists for single sites, which need search.per_site=true."
        )
    if not search.per_site and search.sites == "all":
        filled = [site for site in sites if site.fills]
        if not filled:
            raise UserError(
                "No activation for the whole model goes to a site of this one; name them by "
                f"search.sites, such as search.sites=[{sites[0].name if sites else '…'}]."
            )
        fitting = _fitting(candidates, filled[:1])
        choices = [Choice(WHOLE_MODEL, tuple(site.name for site in filled), fitting)]
    else:
        choices = _site_choices(search, base, sites, candidates)
    ranges = {key: _range(key, given, base) for key, given in search.hparams.items()}
    space = Space(tuple(choices), ranges, search.parameters)
    if space.size <= 1 or not all(choice.candidates for choice in space.choices):
        raise UserError(
            "The search space is empty: nothing in it leaves a choice; give search.candidates "
            "at least two activations that fit the sites."
        )
    return space


def check_points(space: Space, base: TrainConfig, check: Callable[[TrainConfig], None]) -> None:
    """Holds the configurations at all ends of a space to ``check``, before anything runs.

    Raises:
        UserError: whatever ``check`` raises.
    """
    for point in _extreme_points(space):
        check(space.apply(base, point))


def _site_choices(
    search: SearchConfig,
    base: TrainConfig,
    sites: Sequence[Site],
    candidates: Mapping[str, list[Activation]],
) -> list[Choice]:
    names = [site.name for site in sites]
    if search.sites == "all":
        chosen = [site.name for site in sites if site.fills]
    else:
        chosen = _matching(search.sites, names)
    ties = [_matching(patterns, chosen) for patterns in search.tie or _stages(chosen, base)]
    if not search.per_site:
        ties = [chosen]
    tied = [name for tie in ties for name in tie]
    if twice := next((name for name in tied if tied.count(name) > 1), None):
        raise UserError(f"search.tie names {twice} in two ties; put them together into one.")
    groups: list[list[str]] = []
    for name in chosen:
        group = next((tie for tie in ties if name in tie), [name])
        if group not in groups:
            groups.append(group)
    by_name = {site.name: site for site in sites}
    choices = []
    for group in groups:
        fitting = _fitting(candidates, [by_name[name] for name in group])
        if not fitting:
            raise UserError(f"The search space is empty: no candidate fits {group[0]}.")
        choices.append(Choice(_label(group, names), tuple(group), fitting))
    return choices


def _label(group: list[str], names: Sequence[str]) -> str:
    """A site's name; of several, a pattern of exactly those, such as ``layer1_*``, or all names."""
    if len(group) == 1:
        return group[0]
    pattern = f"{commonprefix(group)}*"  # noqa: RUF071, letter by letter is meant
    return pattern if _matching(pattern, names) == group else "+".join(group)


def _stages(names: Sequence[str], base: TrainConfig) -> list[list[str]]:
    """Of a large model of the user's own: the sites of each stage, such as ``layer1``, as ties."""
    if len(names) <= MAX_UNTIED or not isinstance(base.model, FunctionModelConfig):
        return []
    stages: dict[str, list[str]] = {}
    for name in names:
        stages.setdefault(name.partition("_")[0], []).append(name)
    return list(stages.values())


def _matching(patterns: Any, names: Sequence[str]) -> list[str]:
    """The names that a pattern, or any of a list of patterns, matches; in the names' order."""
    wanted = [patterns] if isinstance(patterns, str) else patterns
    if not isinstance(wanted, Sequence) or not all(isinstance(item, str) for item in wanted):
        raise UserError(
            f"Sites are given as a pattern or a list of patterns, such as [conv1, fc*], "
            f"not {patterns!r}."
        )
    for pattern in wanted:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise unknown("site", pattern, names)
    return [name for name in names if any(fnmatchcase(name, p) for p in wanted)]


def _candidates(given: Any, names: Sequence[str]) -> dict[str, list[Activation]]:
    """Site pattern -> candidates."""
    if isinstance(given, Mapping):
        for pattern in given:
            _matching(pattern, names)
        if nested := [pattern for pattern, items in given.items() if isinstance(items, Mapping)]:
            raise UserError(f"search.candidates.{nested[0]} must be a list of activations.")
        return {pattern: _candidates(items, names)["*"] for pattern, items in given.items()}
    if given == "default":
        given = DEFAULT_CANDIDATES
    if given == "all":
        given = [entry.name for entry in ENTRIES.values() if not entry.open_parameters]
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, Sequence):
        raise UserError(
            f"search.candidates must be a list of activations, default or all, not {given!r}."
        )
    return {"*": [Activation.parse(item) for item in given]}


def _fitting(
    candidates: Mapping[str, list[Activation]], sites: Sequence[Site]
) -> dict[str, Activation]:
    """Those listed for the first site that can stand at all of them; as in ``activation.layers`` an
    exact name beats a pattern, and a later pattern an earlier one."""
    name = sites[0].name
    patterns = [pattern for pattern in candidates if fnmatchcase(name, pattern)]
    listed = candidates[name if name in candidates else patterns[-1]] if patterns else []
    return {str(a): a for a in listed if all(_fits(site, a) for site in sites)}


def _fits(site: Site, activation: Activation) -> bool:
    """Whether a site can have an activation; a gate, only a bounded one of single channels. What
    the range of a user's own function is, the user knows."""
    entry = activation.entry
    if not site.fills:
        return (entry.bounded or entry.open_parameters) and entry.family != "gated"
    return not (site.fixed_width and entry.changes_width)


def _range(key: str, given: Any, base: TrainConfig) -> Range:
    current = get_key(base.as_dict(), key)
    if (
        isinstance(current, Mapping)
        or key.partition(".")[0] not in SEARCHED
        or (key.count(".") == 1 and key.partition(".")[2] in FIXED)
    ):
        raise UserError(
            f"search.hparams cannot draw {key}; it takes single settings below "
            f"{', '.join(SEARCHED)}, such as optim.lr, and no name, file or code."
        )
    if isinstance(given, Sequence) and not isinstance(given, str) and given:
        for value in given:
            if not isinstance(value, int | float | str | None):
                raise UserError(f"search.hparams.{key} must list single values, not {value!r}.")
        if len({(type(value), value) for value in given}) < len(given):
            raise UserError(f"search.hparams.{key} names a value twice: {given}.")
        return Range(choices=tuple(given))
    if not isinstance(given, Mapping) or not {"low", "high"} <= set(given):
        raise UserError(
            f"search.hparams.{key} must be a list of values or {{low: …, high: …, log: true}}, "
            f"not {given!r}."
        )
    for name in given:
        if name not in ("low", "high", "log"):
            raise unknown(f"key of search.hparams.{key}", name, ("low", "high", "log"))
    low, high, log = given["low"], given["high"], given.get("log", False)
    if not isinstance(log, bool):
        raise UserError(f"search.hparams.{key}.log must be true or false, not {log!r}.")
    numbers = all(type(end) in (int, float) and abs(end) < math.inf for end in (low, high))
    if not numbers or low >= high:
        raise UserError(f"search.hparams.{key} needs low below high, not low={low}, high={high}.")
    if isinstance(current, bool | str):
        raise UserError(f"search.hparams.{key} is no number; give a list of its values.")
    if log and low <= 0:
        raise UserError(f"search.hparams.{key} on a log scale needs low above 0, not {low}.")
    kinds = _kinds(base, key) or {type(current)}
    whole = int in kinds and float not in kinds
    if whole and not (isinstance(low, int) and isinstance(high, int)):
        raise UserError(f"search.hparams.{key} needs whole numbers, not low={low}, high={high}.")
    try:
        return Range(float(low), float(high), log, whole)
    except OverflowError as error:  # a whole number beyond all floats
        raise UserError(f"search.hparams.{key} has an end beyond all floats.") from error


def _kinds(base: TrainConfig, key: str) -> set[type]:
    """The types that a setting takes; none where it is one of the user's own."""
    *sections, name = key.split(".")
    node: Any = base
    for section in sections:
        node = getattr(node, section, None)
    hint = get_type_hints(type(node)).get(name)
    return {kind for kind in (hint, *get_args(hint)) if isinstance(kind, type)}


def _extreme_points(space: Space) -> Iterator[Point]:
    """Points that show every candidate at every site, and both ends or all values of every range,
    to see whether the configuration takes them."""
    start: Point = {c.label: next(iter(c.candidates)) for c in space.choices}
    ends: dict[str, tuple[Any, ...]] = {}
    for key, values in space.ranges.items():
        kind = int if values.whole else float
        ends[key] = values.choices or (kind(values.low), kind(values.high))
    start |= {key: values[0] for key, values in ends.items()}
    yield start
    for key, several in [*((c.label, tuple(c.candidates)) for c in space.choices), *ends.items()]:
        yield from ({**start, key: value} for value in several[1:])


def get_key(plain: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key.

    Raises:
        UserError: there is no such setting.
    """
    node: Any = plain
    for part in key.split("."):
        if not isinstance(node, Mapping) or part not in node:
            siblings = node if isinstance(node, Mapping) else ()
            raise unknown(f"setting {key}:", part, siblings)
        node = node[part]
    return node
