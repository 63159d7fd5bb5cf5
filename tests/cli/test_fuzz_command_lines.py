"""Generated command lines: each is accepted, or refused by one sentence that leaves nothing behind.

All four commands run in this process and stop where they would begin to train. One line of ten
goes through the script and Hydra's main function, which composes twice; the others begin at the
composition, which costs a fifth. The same lines in every run.
"""

import contextlib
import io
import itertools
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import hypothesis.strategies as st
import pytest
from hypothesis import given

from activation_search.commands import compare as compare_command
from activation_search.commands import health as initial_report
from activation_search.commands import sweep as sweep_command
from activation_search.commands import train as train_command
from activation_search.config.compare import CompareConfig
from activation_search.config.compose import compose
from activation_search.config.data import DATA_CONFIGS
from activation_search.config.models import MODEL_CONFIGS
from activation_search.config.run import InitialConfig, TrainConfig
from activation_search.config.search import SweepConfig
from activation_search.errors import exit_code
from activation_search.evidence import compare as compare_module
from activation_search.search import sweep as sweep_module
from activation_search.training import run as run_module

from ..data.fuzz import generated
from .conftest import Command

CASES = 500
COMMANDS: dict[str, type] = {
    "train.py": TrainConfig,
    "scripts/sweep.py": SweepConfig,
    "scripts/compare.py": CompareConfig,
    "scripts/health.py": InitialConfig,
}


BEGIN: dict[type, Any] = {
    TrainConfig: train_command.run,
    SweepConfig: sweep_command.run,
    CompareConfig: compare_command.run,
    InitialConfig: initial_report.run,
}


class Accepted(BaseException):
    """The command line was taken; nothing more is tried."""


def keys(config: type, prefix: str = "") -> Iterator[str]:
    """Every setting of a configuration by its name on the command line."""
    for name, hint in get_type_hints(config).items():
        kinds = [kind for kind in (hint, *get_args(hint)) if is_dataclass(kind)]
        for kind in kinds:
            yield from keys(kind, f"{prefix}{name}.")  # type: ignore[arg-type]
        if not kinds:
            yield f"{prefix}{name}"


def all_keys(command: str) -> list[str]:
    others = {f"data.{f.name}" for config in DATA_CONFIGS.values() for f in fields(config)}
    others |= {f"model.{f.name}" for config in MODEL_CONFIGS.values() for f in fields(config)}
    others |= {"activation.layers.hidden1", "activation.layers.*", "activation.name", "experiment"}
    others |= {"activation.negative_slope", "search.candidates", "search.hparams", "hydra.run.dir"}
    others |= {"optim", "trainer", "nosuch", "model.nosuch"}
    # Where it is written stays the test's choice.
    return sorted((set(keys(COMMANDS[command])) | others) - {"logs", "storage"})


# One per line of text; a blank line is the empty value.
ODD = """

null
true
no
-1
0
1
2.5
1e9
1e400
-1e-400
nan
-inf
9999999999999999999999999
'9'
???
${seed}
${nosuch}
${oc.env:NOSUCH}
[]
[1]
[relu,gelu]
[relu,[gelu]]
[null]
{}
{a: 1}
{name: relu}
{low: 1, high: 2}
a b
'a b'
[/b]
[bold]
a=b
a,b
a:1
é
😀
../x
/
/dev/null
~
*
\\
'
"
#
relu
RELU
custom
nosuch
auto
0x10
1_000
range(3)
choice(1,2)
{lr: {low: 1e-3, high: 1e-1, log: true}}
{x: [1, a, null]}
{optim.lr: [1e-3, 1e-2]}
{optim.lr: {low: null, high: inf}}
[{name: relu, layers: {nosuch: gelu}}]
mine.py
""".splitlines()[1:]
GROUPS = ["model", "data", "activation", "experiment", "search", "hydra/launcher"]
OPTIONS = [*MODEL_CONFIGS, *DATA_CONFIGS, "relu", "gelu", "prelu", "default", "nosuch", "global",
           "per_layer", "joint", "gates", "dying_relu", "null", "[a,b]", "/", ".."]  # fmt: skip
VALID = ["seed=3", "optim.lr=0.01", "optim.clip=1", "activation=gelu", "init=he", "model.width=16",
         "activation.layers.hidden1=prelu", "model.depth=3", "model.norm=batch",
         "trainer.threads=2", "trainer.max_epochs=2", "data.batch_size=7"]  # fmt: skip
WHOLE = """
-m
--cfg=job
--help
--nosuch
=
==
a
~model
~data
~activation
~optim.lr
+seed=1
++seed=1
+optim.foo=1
++model.foo=1
seed
model@x=mlp
--config-name=nosuch
--resolve
--version
""".splitlines()


@st.composite
def command_lines(draw: st.DrawFn) -> tuple[str, list[str]]:
    command = draw(st.sampled_from(list(COMMANDS)))
    known = all_keys(command)

    def word() -> str:
        kind = draw(st.integers(0, 19))
        if kind == 0:
            return draw(st.sampled_from(WHOLE))
        if kind > 13:
            return draw(st.sampled_from(VALID))
        if kind < 4:
            return f"{draw(st.sampled_from(GROUPS))}={draw(st.sampled_from(OPTIONS))}"
        sign = draw(st.sampled_from([""] * 9 + ["+", "++", "~"]))
        value = draw(st.text(max_size=8)) if kind == 4 else draw(st.sampled_from(ODD))
        return f"{sign}{draw(st.sampled_from(known))}={value}"

    start = draw(st.sampled_from([["model=mlp", "data=digits"]] * 3 + [[]]))
    if command == "scripts/compare.py" and draw(st.booleans()):
        start = [*start, "candidates=[relu,gelu]"]
    return command, [*start, *(word() for _ in range(draw(st.integers(1, 3))))]


def begin(script: str, words: list[str]) -> int:
    """The command without Hydra's main function."""
    config = COMMANDS[script]
    return exit_code(lambda: BEGIN[config](compose(words, config)))


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command ends where it would begin to work or to write."""

    def accept(*args: Any, **kwargs: Any) -> None:
        raise Accepted

    monkeypatch.setattr(run_module.run_directory, "create", accept)
    monkeypatch.setattr(sweep_module, "open_in", accept)
    monkeypatch.setattr(compare_module, "run_all", accept)
    monkeypatch.setattr(initial_report, "inspect_initial_state", accept)


def test_command_lines(
    command: Command, tmp_path: Path, stopped: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcomes: Counter[str] = Counter()
    count = itertools.count()
    faults: list[tuple[str, list[str], str]] = []

    def outcome(script: str, words: list[str]) -> str:
        out, err = io.StringIO(), io.StringIO()
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                words = [*words, f"logs={tmp_path}/logs"]
                whole = next(count) % 10 == 0 or any(word in WHOLE for word in words)
                code = command(script, *words) if whole else begin(script, words)
        except Accepted:
            code = 0
        except BaseException as error:
            return f"raised {error!r}"
        if left := sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")):
            shutil.rmtree(left[0])
            return f"left {left}"
        sentences = err.getvalue()
        if code == 2 and re.fullmatch(r"(Error: [^\n]+\n)+", sentences):
            return "refused"
        return "accepted" if code == 0 and not sentences else f"exit code {code}: {sentences}"

    @generated(CASES)
    @given(command_lines())
    def check(line: tuple[str, list[str]]) -> None:
        found = outcome(*line)
        outcomes[found] += 1
        if found not in ("accepted", "refused"):
            faults.append((*line, found))

    check()
    assert not faults, "\n".join(map(str, faults))
    assert outcomes["accepted"] >= CASES // 20
    assert outcomes["refused"] >= CASES // 4
