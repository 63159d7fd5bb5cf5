"""Alarms: the rules on made-up readings, and the self-test on real models."""

import math
from dataclasses import replace

import pytest

from activation_search.activations import ENTRIES, ActivationChoice
from activation_search.config.compose import compose
from activation_search.config.run import TrainConfig
from activation_search.diagnostics.alarm_rules import AlarmRules
from activation_search.diagnostics.alarms import Alarm, to_text
from activation_search.diagnostics.gradients import GradientReading, LayerGradient
from activation_search.diagnostics.site_health import SiteHealth
from activation_search.training import initial
from activation_search.training.initial import inspect_initial_state

WELL = SiteHealth(0.1, 0.1, 0.1, 0.0, 1.0, 0.5, 0.6)


def watching(*overrides: str) -> AlarmRules:
    config = compose(["model=mlp", "data=digits", *overrides])
    return AlarmRules(config.as_dict(), {"a": "tanh", "b": "tanh"})


def reading(first: float, last: float, total: float | None = None) -> GradientReading:
    layers = {name: LayerGradient(norm, norm / 100) for name, norm in (("a", first), ("b", last))}
    return GradientReading(math.hypot(first, last) if total is None else total, layers)


def kinds(alarms: list[Alarm]) -> list[tuple[str, str]]:
    return [(alarm.kind, alarm.where) for alarm in alarms]


def test_vanishing_needs_three_readings_in_a_row() -> None:
    watch = watching()
    vanished, sound = reading(1e-6, 1.0), reading(0.1, 1.0)
    for step, seen in enumerate([vanished, vanished, sound, vanished, vanished]):
        assert watch.check_gradients(step, seen) == []
    [alarm] = watch.check_gradients(50, vanished)
    assert (alarm.kind, alarm.where, alarm.step) == ("vanishing_gradient", "a", 50)
    assert alarm.value == pytest.approx(1e-6)
    assert alarm.threshold == 1e-3
    assert watch.check_gradients(60, vanished) == []  # once is enough


@pytest.mark.parametrize(
    "seen",
    [
        reading(1e-2, 20.0),  # a small share, of a gradient that is large enough
        reading(1e-9, 1e-8),  # everything is small: the data is learned
    ],
)
def test_what_does_not_vanish(seen: GradientReading) -> None:
    watch = watching()
    assert [watch.check_gradients(step, seen) for step in range(6)] == [[]] * 6


def test_a_layer_in_the_middle_vanishes_by_its_mean() -> None:
    seen = reading(1.0, 1.0)
    seen.layers["a"] = LayerGradient(1.0, 1e-3)
    middle = {"a": seen.layers["a"], "m": LayerGradient(0.5, 1e-8), "b": seen.layers["b"]}
    watch = watching()
    found = [watch.check_gradients(s, GradientReading(2.0, middle)) for s in range(3)]
    assert [kinds(alarms) for alarms in found] == [[], [], [("vanishing_gradient", "m")]]
    assert found[2][0].value == 1e-8
    [*_, row] = to_text(watch.found).splitlines()
    assert row.count("|") == 6  # five cells, none cut in two by its text


def test_a_jump_from_nothing_and_a_scaled_overflow_are_no_explosion() -> None:
    watch = watching()
    for step in range(5):
        watch.check_gradients(step, reading(0.0, 0.0))
    assert watch.check_gradients(5, reading(50.0, 50.0)) == []
    scaled = watching("trainer.precision=16-mixed")
    overflow = reading(1.0, 1.0, total=math.inf)
    assert [scaled.check_gradients(s, overflow) for s in range(2)] == [[], []]
    assert kinds(scaled.check_gradients(2, overflow)) == [("exploding_gradient", "total")]


def test_exploding_by_jump_by_ratio_and_by_what_is_no_number() -> None:
    watch = watching()
    for step in range(4):
        assert watch.check_gradients(step, reading(1.0, 1.0)) == []
    [alarm] = watch.check_gradients(4, reading(300.0, 300.0))
    assert (alarm.kind, alarm.where) == ("exploding_gradient", "total")
    assert alarm.value == pytest.approx(300)
    watch = watching()
    found = [watch.check_gradients(s, reading(80.0 * 2**s, 2.0**s)) for s in range(5)]
    assert [kinds(alarms) for alarms in found] == [
        [], [], [], [("exploding_gradient", "a")], [],
    ]  # fmt: skip
    for bad in (math.nan, math.inf):
        assert kinds(watching().check_gradients(0, reading(1.0, 1.0, total=bad))) == [
            ("exploding_gradient", "total")
        ]
        assert kinds(watching().check_loss(0, bad)) == [("exploding_gradient", "total")]
        ill = {"a": WELL, "b": replace(WELL, z_std=bad, dead=1.0)}
        assert kinds(watching().check_sites(0, ill)) == [("exploding_gradient", "b")]
    assert watching().check_loss(0, 2.0) == []


def test_a_jump_near_the_optimum_is_no_explosion() -> None:
    watch = watching()
    for step in range(9):
        watch.check_gradients(step, reading(1e-4, 1e-4))
    assert watch.check_gradients(9, reading(1.0, 1.0)) == []


def test_units_that_die_or_saturate() -> None:
    both = replace(WELL, saturated=0.9, dead=0.9)  # flat at both ends: saturation by name
    sites = {"a": replace(WELL, dead=0.51), "b": both, "c": WELL}
    watch = watching()
    found = watch.check_sites(7, sites)
    assert kinds(found) == [("dying_units", "a"), ("saturation", "b")]
    assert (found[0].step, found[0].value, found[0].threshold) == (7, 0.51, 0.5)
    assert watch.check_sites(8, sites) == []


@pytest.mark.parametrize(("last", "alarms"), [(5.9, 0), (6.1, 1), (0.061, 0), (0.059, 1)])
def test_scale_drift_is_judged_along_the_signal_path(last: float, alarms: int) -> None:
    sites = {"a": WELL, "gate": replace(WELL, h_std=99.0), "b": replace(WELL, h_std=last)}
    found = watching().check_sites(0, sites, signal_path=["a", "b"])
    assert kinds(found) == [("scale_drift", "b")] * alarms
    assert watching().check_sites(100, sites) == []


def test_a_watch_goes_on_where_it_stopped() -> None:
    watch = watching()
    for step in range(4):
        watch.check_gradients(step, reading(1.0, 1.0))
    watch.check_sites(4, {"a": replace(WELL, dead=1.0)})
    other = watching()
    watch.check_gradients(4, reading(1e-6, 1.0))
    watch.check_gradients(5, reading(1e-6, 1.0))
    other.load_state_dict(watch.state_dict())
    assert other.found == watch.found
    assert other.check_sites(5, {"a": replace(WELL, dead=1.0)}) == []
    assert kinds(other.check_gradients(5, reading(300.0, 300.0))) == [
        ("exploding_gradient", "total")
    ]
    assert "| dying_units | a | 4 | 100% of its units" in to_text(other.found)


# A function that grows like z^2 has no scale that it keeps: where z is a little larger than at
# N(0, 1), as between neighbouring positions of a convolution, it is larger still at the next layer.
QUADRATIC = {"relu2", "star_relu", "xielu", "reglu", "geglu", "swiglu", "bilinear"}
# In an LSTM what leaves the cell is fed back at the next step, through forty of them.
FED_BACK = {"relu2", "star_relu", "xielu"}
EXPECTED = {"mlp": set(), "cnn": QUADRATIC, "lstm": FED_BACK, "transformer": set()}


@pytest.mark.parametrize("model", EXPECTED)
def test_no_function_alarms_at_its_own_gain_but_those_known(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if model in ("lstm", "transformer"):  # as many readings of a unit, in a quarter of the time
        monkeypatch.setattr(initial, "PROBE_SIZE", 100)
    alarmed = {}
    base: TrainConfig = compose([f"model={model}", "data.batch_size=20"])
    for name, entry in ENTRIES.items():
        if not entry.open_parameters:
            config = replace(base, activation=ActivationChoice(name))
            if alarms := inspect_initial_state(config).alarms:
                alarmed[name] = kinds(alarms)
    assert set(alarmed) == EXPECTED[model], alarmed


@pytest.mark.parametrize("batch_size", [1, 700, 5000])
def test_any_size_of_batch_can_be_looked_at(batch_size: int) -> None:
    config = compose(["model=mlp", "data=digits", f"data.batch_size={batch_size}"])
    assert inspect_initial_state(config).alarms == []


def test_normalisation_heals_those_of_the_cnn() -> None:
    for name in QUADRATIC:
        config = compose(
            ["model=cnn", f"activation={name}", "model.norm=batch", "model.fc_depth=0"]
        )
        assert inspect_initial_state(config).alarms == []


@pytest.mark.parametrize(
    ("overrides", "kind"),
    [
        (["model.depth=10", "activation=sigmoid", "init=torch"], "vanishing_gradient"),
        (["model.depth=10", "activation=identity", "init=he"], "scale_drift"),
    ],
)
def test_what_must_alarm_at_initialisation(overrides: list[str], kind: str) -> None:
    found = inspect_initial_state(compose(["model=mlp", "data=digits", *overrides])).alarms
    assert {alarm.kind for alarm in found} == {kind}
