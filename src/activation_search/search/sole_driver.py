"""One driver per study: the process that asks it and tells it, on whatever machine."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from optuna.exceptions import StorageInternalError

from activation_search.engine.processes import identify, is_gone, this_host
from activation_search.errors import MachineError, UserError

DRIVER = "driver"  # user attribute of the study
SETTLE_SECONDS = 1.0  # between taking a study and looking whether it was kept
BEAT_SECONDS = 30.0  # in which a driver shows that it lives
SILENT_SECONDS = 3 * BEAT_SECONDS  # after which one of another machine is taken for dead


class SoleDriver:
    """Holds a study for this process, as long as the block lasts.

    Args:
        study: as it is stored.
        folder: of the study.
        note: called with a sentence where the other driver must be watched for a while.
        shared: the storage may be that of drivers with other folders.

    Raises:
        UserError: another driver holds the study, or takes it while this one hangs.

    Example:
        with SoleDriver(study, folder, print) as driver:
            driver.beat()  # now and then
    """

    def __init__(
        self, study: optuna.Study, folder: Path, note: Callable[[str], None], shared: bool = False
    ):
        self._study = study
        self._folder = folder
        self._note = note
        self._shared = shared
        self._me = identify()
        self._beats = 0
        self._last = 0.0

    def __enter__(self) -> "SoleDriver":
        # Looking and taking are one step for all drivers of this folder.
        with FileLock(self._folder / ".driver.lock"):
            other = self._holder()
            if other and not self._is_mine(other) and self._is_alive(other):
                raise UserError(
                    f"The study {self._study.study_name!r} is driven by process "
                    f"{other['process']} on {other['host']}. To add workers, stop it and start it "
                    "again with a larger workers=…, or with cluster=tcp://host:8786, to which "
                    "workers of any machine can be added while it runs."
                )
            self._show()
        if self._shared:  # with drivers of other folders, of which one may have looked just now
            time.sleep(SETTLE_SECONDS)
            self.check()
        return self

    def __exit__(self, *_: object) -> None:
        # A storage that fails has raised already; a dead driver is recognised as one.
        with suppress(OSError, MachineError, StorageInternalError, KeyError):
            if self._is_mine(self._holder()):
                self._study.set_user_attr(DRIVER, None)

    def beat(self) -> None:
        """Shows that this driver lives, if it is time to.

        Raises:
            UserError: see :meth:`check`.
        """
        if time.monotonic() - self._last >= BEAT_SECONDS:
            self.check()
            self._show()

    def check(self) -> None:
        """Whether this is still the driver; to be called before anything is written.

        Raises:
            UserError: another one took this one for dead.
        """
        holder = self._holder()
        if not self._is_mine(holder):
            by = f"process {holder['process']} on {holder['host']}" if holder else "another process"
            raise UserError(f"The study {self._study.study_name!r} was taken over by {by}.")

    def _show(self) -> None:
        self._beats += 1
        self._last = time.monotonic()
        self._study.set_user_attr(DRIVER, self._me | {"beats": self._beats})

    def _holder(self) -> dict[str, Any] | None:
        return self._study.user_attrs.get(DRIVER)

    def _is_mine(self, holder: dict[str, Any] | None) -> bool:
        return holder is not None and holder | {"beats": 0} == self._me | {"beats": 0}

    def _is_alive(self, other: dict[str, Any]) -> bool:
        if other["host"] == this_host():
            return not is_gone(other)
        self._note(
            f"The study was driven on {other['host']}; waiting up to {SILENT_SECONDS:.0f} s to see "
            "whether it still is."
        )
        end = time.monotonic() + SILENT_SECONDS
        while time.monotonic() < end:
            time.sleep(1)
            if self._holder() != other:
                return self._holder() is not None
        return False
