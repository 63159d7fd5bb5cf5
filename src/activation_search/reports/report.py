"""A report of a comparison or a study: one HTML file with its pictures inside, and Markdown.

python scripts/report.py logs/compare/cnn-mnist1d
"""

import base64
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from activation_search.atomic import write_text
from activation_search.errors import UserError
from activation_search.evidence.results import COMPARISON_FILE, Block, Evidence, read_evidence
from activation_search.reports.comparison_figures import (
    draw_best,
    draw_forest,
    draw_functions,
    draw_pairs,
    draw_ranks,
)
from activation_search.reports.comparison_table import (
    HEADINGS,
    caution,
    cells,
    sorted_labels,
    verdict_sentence,
)
from activation_search.reports.cost_figures import draw_arm_costs
from activation_search.reports.mean_curves import write_mean_curves
from activation_search.reports.pictures import write_picture
from activation_search.reports.study_figures import write_figures
from activation_search.search.leaderboard import LEADERBOARD_FILE
from activation_search.search.multirun import describe_multirun
from activation_search.training.result import versions

MULTIRUNS = "multirun"  # the folder of all of them
MAX_ROWS = 20
# Columns of a comparison that stand beside the verdict.
FIRST = ("mean", "SD", "difference", "95% interval", "p (Holm)", "wins")
STUDY_PICTURES = {
    "by_activation.png": "Every run of the study, by activation",
    "sites.png": "Mean by site and activation",
    "costs.png": "Validation metric against parameters and time, with the Pareto fronts",
    "history.png": "Trials in their order",
    "curves.png": "Learning curves of the study's best and of the baseline",
}


@dataclass
class TableData:
    """title, headings, and rows of text."""

    title: str
    headings: list[str]
    rows: list[list[str]]


@dataclass
class Picture:
    """title: says what is to be seen. path: below the report's folder."""

    title: str
    path: Path
    base64: str


@dataclass
class Content:
    """Everything that a report says, whatever it is written in."""

    title: str
    question: str
    verdicts: list[str] = field(default_factory=list)
    luck: str = ""
    tables: list[TableData] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    setting: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=versions)
    commands: list[str] = field(default_factory=list)


def write_report(folder: Path, named: Collection[str] = ()) -> list[Path]:
    """``report.html`` and ``report.md`` in the folder of a comparison, a study or a multirun.

    Args:
        folder: of one of them.
        named: import paths of the user's own functions that may be followed to draw their curves.

    Raises:
        UserError: nothing of the kind is there.
    """
    if folder.parent.name == MULTIRUNS:
        content = _of_multirun(folder)
    else:
        study, evidence = _found(folder)
        content = _content(folder, named, study, evidence)
        write_mean_curves(folder, study, evidence)
    paths = []
    for kind in ("html", "md"):
        path = folder / f"report.{kind}"
        write_text(path, environment().get_template(f"report.{kind}.j2").render(vars(content)))
        paths.append(path)
    return paths


def environment() -> Environment:
    """What renders the templates."""
    found = Environment(
        loader=PackageLoader("activation_search.reports"),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["plain"] = _plain
    found.filters["fenced"] = _fenced
    return found


def _plain(text: object) -> str:
    """Text on one line that Markdown shows as it is, in a table's cell too."""
    return re.sub(r"([\\|*_<>`\[\]&~$#])", r"\\\1", " ".join(str(text).split()))


def _fenced(text: str) -> str:
    """A block of code, fenced by more backticks than stand in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}bash\n{text}\n{fence}"


def collect(folder: Path, named: Collection[str] = ()) -> Content:
    """What the report of a folder says; draws its pictures into ``<folder>/figures``.

    Args:
        folder, named: see :func:`write_report`.

    Raises:
        UserError: no comparison, finished study or multirun is there.
    """
    if folder.parent.name == MULTIRUNS:
        return _of_multirun(folder)
    return _content(folder, named, *_found(folder))


def _content(
    folder: Path,
    named: Collection[str],
    study: dict[str, Any] | None,
    evidence: Evidence | None,
) -> Content:
    if study is not None:
        content = _of_study(study, folder, confirmed=evidence is not None)
    else:
        assert evidence is not None
        names = ", ".join(evidence.blocks[0].arms)
        where = " and ".join(block.label for block in evidence.blocks)
        content = Content(f"Which activation on {where}?", f"Candidates: {names}.")
    if evidence is not None:
        _add_evidence(content, evidence, folder, named)
    return content


def _found(folder: Path) -> tuple[dict[str, Any] | None, Evidence | None]:
    """What a folder states of a study and of a comparison.

    Raises:
        UserError: it holds neither.
    """
    study, evidence = None, None
    if (folder / LEADERBOARD_FILE).exists():
        study, trials = _read_study(folder / LEADERBOARD_FILE)
    if (folder / COMPARISON_FILE).exists():
        evidence = read_evidence(folder)
        if study is not None and evidence.trials != trials:
            evidence = None  # the study went on since then, and has other ranks
    if study is None and evidence is None:
        raise UserError(
            f"{folder} holds neither {COMPARISON_FILE} nor {LEADERBOARD_FILE}; give the folder of "
            "a comparison (logs/compare/…), of a search for formulas (logs/discover/…) or of a "
            "study (logs/sweeps/…) that has ended, or of a multirun (logs/multirun/…)."
        )
    return study, evidence


def _read_study(path: Path) -> tuple[dict[str, Any], int]:
    """What a study's leaderboard states, and how many trials it had.

    Raises:
        UserError: it cannot be read, or is none.
    """
    try:
        study = json.loads(path.read_text(encoding="utf-8"))
        _of_study(study, path.parent, confirmed=False)
        return study, sum(len(row["trials"]) for row in study["rows"])
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}.") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            f"{path} is no leaderboard of this program, or is damaged; the study's own command "
            "writes it anew."
        ) from error


def _of_multirun(folder: Path) -> Content:
    sweep, plain = describe_multirun(folder)
    write_figures(sweep)
    proof = "python scripts/compare.py tries the best of them on further seeds"
    content = _of_study(plain, folder, confirmed=False, proof=proof)
    content.title = f"Multirun {folder.name}"
    content.question = (
        f"Which configuration has the best validation {sweep.metric}? {len(sweep.study.trials)} "
        f"runs of {len(sweep.rows)} configurations; rows are means over seeds."
    )
    return content


def _of_study(
    study: dict[str, Any],
    folder: Path,
    confirmed: bool,
    proof: str = "the same command runs with confirm=3",
) -> Content:
    metric = study["metric"]
    content = Content(
        f"Study {study['name']}",
        f"Which assignment of activations has the best validation {metric}? "
        f"{sum(len(row['trials']) for row in study['rows'])} trials over {len(study['rows'])} "
        "different points.",
    )
    if not confirmed:
        content.verdicts.append(
            "These are selection values: the best of many is partly lucky. Nothing is proven until "
            f"{proof}."
        )
    if study["luck"] is not None:
        content.luck = (
            f"{study['luck']:.4f}. The best of several copies of the baseline is so much better "
            "than their median, by chance alone."
        )
    headings = ["rank", "assignment", f"validation {metric}", "SD", "seeds", "params", "ms/step"]
    headings += ["seconds", "Pareto", "alarms", "status"]
    rows = [
        [
            str(number),
            row["label"],
            "" if row["mean"] is None else f"{row['mean']:.4f}",
            "" if row["spread"] is None else f"{row['spread']:.4f}",
            str(len(row["values"])),
            f"{row['parameters']:,}",
            "" if row["ms_per_step"] is None else f"{row['ms_per_step']:.2f}",
            f"{row['seconds'] / max(len(row['seeds']), 1):.1f}",
            row["front"],
            ", ".join(row["alarms"]),
            f"{row['status']}{': ' if row['reason'] else ''}{row['reason']}",
        ]
        for number, row in enumerate(study["rows"][:MAX_ROWS], start=1)
    ]
    content.tables.append(TableData("Leaderboard", headings, rows))
    for name, title in STUDY_PICTURES.items():
        if (folder / name).exists():
            content.pictures.append(_picture(title, folder / name, folder))
    content.setting = _flat(study["setting"])
    content.commands = [study["command"], *study["repeat"]]
    return content


def _add_evidence(
    content: Content, evidence: Evidence, folder: Path, named: Collection[str]
) -> None:
    for block in evidence.blocks:
        content.verdicts += [verdict_sentence(block), *([caution(block)] if caution(block) else [])]
        content.tables += comparison_tables(block)
        content.pictures += _pictures(block, folder, named)
    if evidence.ranks:
        rows = sorted(evidence.ranks.items(), key=lambda pair: pair[1])
        content.tables.append(
            TableData(
                "Mean rank over blocks (a summary: few blocks prove nothing about others)",
                ["candidate", "mean rank"],
                [[label, f"{rank:.2f}"] for label, rank in rows],
            )
        )
        content.pictures.append(
            _draw("Mean ranks over blocks", draw_ranks(evidence), "ranks", folder)
        )
    for block in evidence.blocks if not content.setting else ():
        prefix = f"{block.label}: " if len(evidence.blocks) > 1 else ""
        content.setting |= {prefix + key: value for key, value in _flat(block.setting).items()}
    content.versions = evidence.versions
    if evidence.command not in content.commands:
        content.commands.append(evidence.command)


def comparison_tables(block: Block) -> list[TableData]:
    """A candidate in each row: its verdict, and then the rest, since all columns together are wider
    than a page."""
    selected = any(arm.selection is not None for arm in block.arms.values())
    verdicts, rest = [], []
    for label in sorted_labels(block):
        arm = block.arms[label]
        cell = dict(zip(HEADINGS, cells(block, label), strict=True))
        chosen = "" if arm.selection is None else f"{arm.selection:.4f}"
        verdicts.append([label, cell.pop("verdict"), *(cell.pop(name) for name in FIRST)])
        own = [*[chosen] * selected, f"{arm.lr:g}", *cell.values()]
        rest.append([label, *own, ", ".join(arm.alarms)])
    title = f"{block.label}: test {block.metric} on {len(block.seeds)} seeds"
    others = [name for name in HEADINGS if name not in (*FIRST, "verdict")]
    selection = ["selection (validation)"] * selected
    return [
        TableData(title, ["candidate", "verdict", *FIRST], verdicts),
        TableData(
            "More of the same runs", ["candidate", *selection, "lr", *others, "alarms"], rest
        ),
    ]


def _pictures(block: Block, folder: Path, named: Collection[str]) -> Iterator[Picture]:
    name = f"{block.model}-{block.data}"
    if block.comparisons:
        title = f"{block.label}: difference from {block.baseline} with 95% interval"
        yield _draw(title, draw_forest(block), f"{name}-forest", folder)
    yield _draw(f"{block.label}: the same seeds", draw_pairs(block), f"{name}-pairs", folder)
    if costs := draw_arm_costs(block):
        title = f"{block.label}: test {block.metric} against its costs, with the Pareto fronts"
        yield _draw(title, costs, f"{name}-costs", folder)
    yield _draw(f"{block.label}: learning curves", draw_best(block), f"{name}-curves", folder)
    if functions := draw_functions(block, named):
        best = sorted_labels(block)[0]
        title = f"{block.label}: functions of {best}, seed {block.seeds[0]}, as learned"
        yield _draw(title, functions, f"{name}-functions", folder)


def _flat(setting: dict[str, Any]) -> dict[str, str]:
    """Nested settings as ``key value, key value``, without what is not set."""
    return {
        name: ", ".join(f"{k} {v}" for k, v in value.items() if v is not None)
        if isinstance(value, dict)
        else str(value)
        for name, value in setting.items()
    }


def _draw(title: str, figure: Any, name: str, folder: Path) -> Picture:
    path = write_picture(figure, folder / "figures" / f"{name}.png")
    return _picture(title, path, folder)


def _picture(title: str, path: Path, folder: Path) -> Picture:
    encoded = base64.b64encode(path.read_bytes()).decode()
    return Picture(title, path.relative_to(folder), encoded)
