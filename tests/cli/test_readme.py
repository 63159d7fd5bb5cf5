"""Every command of the README and of the pages in ``docs/`` is run in small, once; links lead
somewhere.

A block after ``<!-- not run: reason -->`` is left out.
"""

import re
import shlex
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from activation_search.config.run import TrainConfig

from ..files import write_files
from .conftest import ROOT, Command

PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md")))
}
BLOCK = re.compile(r"^(<!-- not run: .+ -->\n)?```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [
    (language, text.replace("\\\n", ""))
    for page in PAGES.values()
    for skipped, language, text in BLOCK.findall(page)
    if not skipped
]
LINES = [line for language, text in BLOCKS if language == "bash" for line in text.splitlines()]
INLINE = [line for page in PAGES.values() for line in re.findall(r"`(python [^`]+)`", page)]


@dataclass(frozen=True)
class Small:
    """How a command is made short.

    defaults: settings that the command may override. limits: take the place of its own.
    leaves: a pattern of files that it must write.
    """

    defaults: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    leaves: str = "*"

    def arguments(self, given: list[str]) -> list[str]:
        keys = {limit.partition("=")[0] for limit in self.limits}
        kept = [argument for argument in given if argument.partition("=")[0] not in keys]
        return [*self.defaults, *kept, *self.limits]


CPU = "trainer.accelerator=cpu"
SMALL = {
    "train.py": Small(
        ("data.batch_size=8",),
        limits=("trainer.fast_dev_run=true", "trainer.progress=false", CPU),
        leaves="logs/debug/*/*/result.json",
    ),
    "scripts/sweep.py": Small(
        ("data=digits", "model.width=16"),
        ("trainer.max_epochs=1", "trials=2", "confirm_seeds=2", CPU),
        "logs/sweeps/*/trials.csv",
    ),
    "scripts/compare.py": Small(
        ("data=digits",),
        ("trainer.max_epochs=1", "seeds=2", "lr_grid=[1e-3,1e-2]", CPU),
        "logs/compare/*/report.html",
    ),
    "scripts/discover.py": Small(
        ("model=mlp", "data=digits", "model.width=16"),
        (
            "trainer.max_epochs=1",
            "formulas=2",
            "finalists=1",
            "finalist_seeds=1",
            "confirm=1",
            "confirm_seeds=2",
            "hand_made=[relu]",
            "lr_grid=[1e-2]",
            "workers=1",
            CPU,
        ),
        "logs/discover/*/report.html",
    ),
    "scripts/health.py": Small(leaves="logs/health/*.png"),
    "scripts/catalogue.py": Small(),
    "scripts/data.py": Small(),
    "scripts/sites.py": Small(),
}
# They take minutes; tests/cli/test_benchmark.py runs them in small.
BENCHMARKS = {f"python benchmarks/{name}.py" for name in ("steps", "readings", "images", "trials")}


def ours() -> Iterator[tuple[str, ...]]:
    """The commands that are run here, as words: in blocks, and within sentences."""
    for line in [*LINES, *INLINE]:
        words = tuple(shlex.split(line, comments=True))
        if words[:1] == ("python",) and words[1] in SMALL:
            yield words[1:]


COMMANDS = list(dict.fromkeys(ours()))


def test_every_command_is_accounted_for() -> None:
    ci = (ROOT / ".ci" / "run").read_text().splitlines()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    # tests/cli/test_tensorboard.py starts the viewer.
    known = [
        *ci,
        *(f"pip install -e '.[{extra}]'" for extra in extras),
        "tensorboard --logdir logs",
    ]
    others = {line.partition("  #")[0].strip() for line in LINES}
    others -= {line for line in others if line.startswith(tuple(f"python {s}" for s in SMALL))}
    assert others - set(known) == set()
    assert [
        i for i in INLINE if tuple(shlex.split(i)[1:]) not in COMMANDS and i not in BENCHMARKS
    ] == []
    assert "pip install -e . && python train.py activation=gelu" in ci


@pytest.fixture
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the README's own function in it, and with the user's data that it names."""
    [own] = {text for language, text in BLOCKS if language == "python" and "def wave" in text}
    (tmp_path / "my_activations.py").write_text(own)
    write_files(tmp_path)
    for folder in ("examples", "tests/data/tables"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "novel.txt").write_text(
        "It was the best of times, it was the worst of times.\n" * 80
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands(
    words: tuple[str, ...], command: Command, working_directory: Path, trained: list[TrainConfig]
) -> None:
    script, *given = words
    small = SMALL[script]
    if "--help" in given:
        small = Small()
    assert command(script, *small.arguments(given)) == 0
    assert list(working_directory.glob(small.leaves))


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", PAGES[page])
    local = [target for target in targets if not target.startswith("http")]
    assert [target for target in local if not (ROOT / page).parent.joinpath(target).exists()] == []
