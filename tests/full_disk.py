"""Scripts on a disk that is full: their files, and those of their workers, have an upper size."""

from pathlib import Path
from subprocess import CompletedProcess

from .program import python

LIMITED = """
import resource, runpy, sys
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run_limited(limit: int, script: Path, *arguments: str) -> CompletedProcess[str]:
    """The script when it has ended, whose files may have so many bytes."""
    return python("-c", LIMITED, str(limit), str(script), *arguments)
