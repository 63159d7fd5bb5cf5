"""Which process does a piece of work, and whether it is still there."""

import os
import socket
from typing import Any

import psutil


def identify() -> dict[str, Any]:
    """This process, so that no later one of the same number is taken for it."""
    created = psutil.Process().create_time()
    return {"host": socket.gethostname(), "process": os.getpid(), "created": created}


def is_gone(identity: dict[str, Any]) -> bool:
    """Whether that process has ended. One on another host is never known to be gone."""
    if identity["host"] != socket.gethostname():
        return False
    try:
        process = psutil.Process(identity["process"])
        other = abs(process.create_time() - identity["created"]) > 1.0
        return other or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
