"""The worker processes of a study on this machine."""

import multiprocessing
from dataclasses import replace
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event

from activation_search.engine.workers import visible_gpus, worker_environment
from activation_search.errors import MachineError
from activation_search.search import worker


class Team:
    """The worker processes of this machine."""

    def __init__(self, assignment: worker.WorkerTask):
        self.assignment = assignment
        self.context = multiprocessing.get_context("spawn")
        self.stop: Event = self.context.Event()
        # Of a worker whose machine failed it, such as by a full disk: the reason.
        self.failures = self.context.SimpleQueue()
        self.deaths = 0
        self.members: list[SpawnProcess] = []

    def start(self, count: int) -> None:
        """Starts all workers."""
        for number in range(count):
            self.members.append(self._start(number))

    def _start(self, number: int) -> SpawnProcess:
        gpus = visible_gpus(self.assignment.base)
        gpu = gpus[number % len(gpus)] if len(gpus) > 1 else None
        process = self.context.Process(
            target=worker.main,
            args=(replace(self.assignment, gpu=gpu), self.stop, self.failures),
            daemon=True,
        )
        with worker_environment():
            process.start()
        return process

    def replace_dead(self) -> bool:
        """Starts a new worker for each that died; whether there were any.

        Raises:
            MachineError: one ended because the machine failed it.
        """
        if not self.failures.empty():
            raise MachineError(self.failures.get())
        dead = [i for i, process in enumerate(self.members) if not process.is_alive()]
        for number in dead:
            self.members[number] = self._start(number)
        self.deaths += len(dead)
        return bool(dead)

    def dismiss(self, at_once: bool = False) -> None:
        """Ends all workers; those that are in a trial finish it unless ``at_once``."""
        self.stop.set()
        for process in self.members:
            if at_once:
                process.terminate()
        for process in self.members:
            process.join(timeout=30 if at_once else None)
            if process.is_alive():
                process.kill()
                process.join()
