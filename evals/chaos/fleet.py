"""The processes of one service: started, killed at random, started again."""

import random
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from typing import Any

from evals.chaos.process import fresh, run


@dataclass
class Member:
    """One process and its place in the fleet."""

    name: str
    settings: Mapping[str, Any]
    port: int | None
    process: BaseProcess | None = None

    def start(self) -> None:
        self.process = fresh.Process(target=run, args=(dict(self.settings), self.name, self.port), daemon=True)
        self.process.start()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process.close()
            self.process = None


@dataclass
class Fleet:
    """`servers` processes that serve and `workers` that only work on the queue."""

    settings: Mapping[str, Any]
    servers: int
    workers: int
    seed: int = 0
    kills: int = 0
    members: list[Member] = field(default_factory=list)

    def __enter__(self) -> "Fleet":
        self._random = random.Random(self.seed)
        for number in range(self.servers):
            few = {**self.settings, "queue_slots": 0 if self.workers else 4}
            self.members.append(Member(f"server-{number}", few, _free_port()))
        for number in range(self.workers):
            self.members.append(Member(f"worker-{number}", self.settings, None))
        for member in self.members:
            member.start()
        return self

    def __exit__(self, *_: object) -> None:
        for member in self.members:
            member.kill()

    @property
    def addresses(self) -> list[str]:
        return [f"http://127.0.0.1:{member.port}" for member in self.members if member.port is not None]

    def revive(self) -> None:
        """Start those again that could not start, as whatever watches over them would."""
        for member in self.members:
            if member.process is not None and not member.process.is_alive():
                member.kill()
                member.start()

    def kill_one(self) -> None:
        """Kill any of them and start it again at once, as whatever watches over it would."""
        member = self._random.choice(self.members)
        member.kill()
        self.kills += 1
        time.sleep(self._random.uniform(0, 0.3))
        member.start()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
