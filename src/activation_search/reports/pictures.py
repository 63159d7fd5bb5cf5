"""Pictures on the disk."""

from pathlib import Path

from matplotlib.figure import Figure

from activation_search.atomic import replacing

DOTS_PER_INCH = 200  # 1,360 pixels over a page's width


def write_picture(figure: Figure, path: Path) -> Path:
    """Writes a figure in the format of the path's ending, whole or not at all; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as new:
        figure.savefig(new, dpi=DOTS_PER_INCH)
    return path
