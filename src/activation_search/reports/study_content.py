"""What a report says of a study, or of a multirun."""

import json
from pathlib import Path
from typing import Any

from activation_search.console import in_short
from activation_search.errors import UserError
from activation_search.reports.content import Content, TableData, flat, picture_in
from activation_search.reports.study_figures import write_figures
from activation_search.search.multirun import describe_multirun

MAX_ROWS = 20
STUDY_PICTURES = {
    "by_activation.png": "Every run of the study, by activation",
    "sites.png": "Mean by site and activation",
    "costs.png": "Validation metric against parameters and time, with the Pareto fronts",
    "history.png": "Trials in their order",
    "curves.png": "Learning curves of the study's best and of the baseline",
}


def read_study(path: Path) -> tuple[dict[str, Any], int]:
    """What a study's leaderboard states, and how many trials it had.

    Raises:
        UserError: it cannot be read, or is none.
    """
    try:
        study = json.loads(path.read_text(encoding="utf-8"))
        of_study(study, path.parent, confirmed=False)
        return study, sum(len(row["trials"]) for row in study["rows"])
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}.") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            f"{path} is no leaderboard of this program, or is damaged; the study's own command "
            "writes it anew."
        ) from error


def of_multirun(folder: Path) -> Content:
    """Of a multirun, whose pictures it draws.

    Raises:
        UserError: the folder has no finished run.
    """
    sweep, plain = describe_multirun(folder)
    write_figures(sweep)
    proof = "python scripts/compare.py tries the best of them on further seeds"
    content = of_study(plain, folder, confirmed=False, proof=proof)
    content.title = f"Multirun {folder.name}"
    content.question = (
        f"Which configuration has the best validation {sweep.metric}? {len(sweep.study.trials)} "
        f"runs of {len(sweep.rows)} configurations; rows are means over seeds."
    )
    return content


def of_study(
    study: dict[str, Any],
    folder: Path,
    confirmed: bool,
    proof: str = "the same command runs with confirm=3",
) -> Content:
    """Of a study.

    Args:
        study: its leaderboard, as it was written.
        folder: where its pictures lie.
        confirmed: whether a comparison of its best stands beside it.
        proof: what would prove something, where none does.
    """
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
            f"{in_short(study['luck'])}. The best of several copies of the baseline is so much "
            "better than their median, by chance alone."
        )
    headings = ["rank", "assignment", f"validation {metric}", "SD", "seeds", "params", "ms/step"]
    headings += ["seconds", "Pareto", "alarms", "status"]
    rows = [
        [
            str(number),
            row["label"],
            "" if row["mean"] is None else in_short(row["mean"]),
            "" if row["spread"] is None else in_short(row["spread"]),
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
            content.pictures.append(picture_in(title, folder / name, folder))
    content.setting = flat(study["setting"])
    content.commands = [study["command"], *study["repeat"]]
    return content
