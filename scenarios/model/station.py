"""A queue in front of servers, first come first served, without an event of its own.

Who arrives learns at once how long it will take, because nobody can overtake: the earliest server
to be free takes the job (Kiefer and Wolfowitz 1955; for one server, Lindley). A station therefore
costs its user one timeout, where a SimPy Resource costs four events.
"""

from __future__ import annotations

from heapq import heapreplace


class Station:
    """Servers with one queue. Jobs must be given in the order of their arrival."""

    __slots__ = ("_free_at_s", "busy_s", "jobs")

    def __init__(self, servers: int) -> None:
        self._free_at_s = [0.0] * servers
        self.busy_s = 0.0
        self.jobs = 0

    def delay_s(self, now_s: float, service_s: float) -> float:
        """How long a job takes that arrives now: its wait and its service."""
        free = self._free_at_s
        earliest = free[0]
        start = earliest if earliest > now_s else now_s
        heapreplace(free, start + service_s)
        self.busy_s += service_s
        self.jobs += 1
        return start - now_s + service_s

    def close_until(self, until_s: float) -> None:
        """Nobody is served before then: an outage. What runs is finished later by as much."""
        self._free_at_s = sorted(max(one, until_s) for one in self._free_at_s)

    def utilisation(self, horizon_s: float) -> float:
        """The share of the servers' time that was used."""
        return self.busy_s / (horizon_s * len(self._free_at_s))
