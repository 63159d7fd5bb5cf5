"""Pictures on the disk."""

from pathlib import Path

from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure

from activation_search.atomic import replacing
from activation_search.errors import UserError

DOTS_PER_INCH = 200  # 1,360 pixels over a page's width


def write_picture(figure: Figure, path: Path) -> Path:
    """Writes a figure in the format of the path's ending, whole or not at all; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as new:
        figure.savefig(new, dpi=DOTS_PER_INCH)
    return path


def check_picture(path: Path, option: str) -> None:
    """Whether matplotlib writes pictures of the kind that a file's ending names.

    Args:
        path: as it was given.
        option: by which, such as ``--out``.

    Raises:
        UserError: it does not.
    """
    kinds = FigureCanvasBase.get_supported_filetypes()
    if path.suffix.removeprefix(".").lower() not in kinds or path.is_dir():
        raise UserError(f"{option} {path} must end in one of {', '.join(f'.{k}' for k in kinds)}.")


def write_asked(figure: Figure, path: Path) -> None:
    """Writes a figure where the user wants it.

    Raises:
        UserError: that is not possible.
    """
    try:
        write_picture(figure, path)
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror}.") from error
