"""Locust's part: users, workers, its web page and its statistics. The one module that imports it.

    python -m benchmarks.locustfile                              a generator by itself
    python -m benchmarks.locustfile --expect 2 --port 5557       the master of two workers
    python -m benchmarks.locustfile --join 127.0.0.1 --port 5557 a worker

Orders come as JSON lines on standard input (`benchmarks.orders`); answers go out in the same way.
Locust is told not to patch the process: its greenlets live in the main thread, where they spawn
users, talk to master or workers and serve the page, and the requests are made by an event loop in a
real thread beside it (`benchmarks.generator`), which nothing of Locust slows down. A Locust user
stands for one customer; together they tell Locust's statistics what became of the requests.

What is measured rides on Locust's own reports from workers to the master (`report_to_master`,
`worker_report`), as histograms that are added up and samples that are strung together.
"""

from __future__ import annotations

import os

os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"  # before the import that would patch

import argparse
import gc
import sys
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar, Final

import gevent  # type: ignore[import-untyped]
import locust.html
import locust.runners
import locust.stats
import orjson
from locust import User, constant, task
from locust.env import Environment

from benchmarks import leash
from benchmarks.generator import LoopThread, lag_at_rest_us
from benchmarks.leg import Outcome
from benchmarks.member import Member
from benchmarks.operations import OPERATIONS
from benchmarks.orders import Order, Places
from benchmarks.recorder import Recorder
from mock_rails.core.clock import Clock

if TYPE_CHECKING:
    from concurrent.futures import Future

    from locust.runners import Runner

_POLL_S: Final = 0.02
_LEAD_US: Final = 200_000
"""How far ahead the beginning of a leg is told, so that all workers begin together."""
_OPENING_S: Final = 180
_GC_THRESHOLDS: Final = (50_000, 20, 100)
"""Seldom, for a request that waits for the collector has waited for the generator. The servers do
the same."""
_SWITCH_S: Final = 0.0002
"""How long the loop's thread waits for the interpreter that statistics are computed with in the
main thread, at most; 5 ms is Python's own."""
_REPORT: Final = "mpp_sandbox"
"""Our part of Locust's reports."""


def fine_bucket(response_time: float) -> float:
    """Three digits of a response time in milliseconds, in place of Locust's two and none below one:
    its page and its HTML then say what our histograms say."""
    if response_time < 10:
        return round(response_time, 2)
    return round(response_time, 1) if response_time < 100 else float(round(response_time))


locust.stats.bucket_response_time = fine_bucket  # type: ignore[assignment]


class PaidUser(User):
    """One customer of an operation. The generator makes its requests."""

    abstract = True
    wait_time = constant(1)

    @task
    def report(self) -> None:
        """Tell Locust's statistics what has happened since the last time, if anybody looks."""
        hand = Hand.here
        if hand is not None and hand.is_watched:
            hand.tell_statistics()


def _user_of(name: str) -> type[User]:
    title = "".join(part.capitalize() for part in name.split("-")) + "User"
    return type(title, (PaidUser,), {"__doc__": OPERATIONS[name].says})


USERS: Final = {name: _user_of(name) for name in OPERATIONS}
"""A class of Locust's for each operation."""


class Hand:
    """What one process does of a leg: alone, or as a worker."""

    here: ClassVar[Hand | None] = None
    """This process's."""

    def __init__(
        self, environment: Environment, runner: Runner, loop: LoopThread, *, is_watched: bool
    ) -> None:
        self._environment = environment
        self._runner = runner
        self._loop = loop
        self.is_watched = is_watched
        """Whether somebody looks at the statistics while a leg runs. To keep them takes the
        interpreter from the requests, some 30 ms in each second; else they wait for its end."""
        self._clock = Clock()
        self._member: Member | None = None
        self._order: Order | None = None
        self._unsent = Recorder()
        Hand.here = self
        for name in ("open", "begin", "stop", "close"):
            runner.register_message(f"mpp.{name}", getattr(self, f"_{name}"), concurrent=True)
        environment.events.report_to_master.add_listener(  # type: ignore[no-untyped-call]
            self._report
        )

    def tell_statistics(self) -> None:
        """Tell Locust of the requests that were made, and keep what is measured for the report."""
        if self._member is None or self._order is None:
            return
        taken = self._member.take()
        for one in taken.samples:
            failed = None if one.outcome is Outcome.OK else RuntimeError(str(one.outcome))
            self._environment.events.request.fire(  # type: ignore[no-untyped-call]
                request_type=OPERATIONS[self._order.operation].intent,
                name=self._order.operation,
                response_time=(one.ended_us - one.due_us) / 1_000,
                response_length=0,
                exception=failed,
                context={},
            )
        self._unsent.merge(taken.recorder())

    def take(self) -> dict[str, Any]:
        """What was measured and not yet reported."""
        unsent, self._unsent = self._unsent, Recorder()
        return unsent.to_json()

    def _report(self, client_id: str, data: dict[str, Any]) -> None:
        self.tell_statistics()
        data[_REPORT] = self.take()

    def _open(self, environment: Environment, msg: Any) -> None:
        self._order = Order.from_json(msg.data["order"])
        self._member = Member(self._loop, Places(**msg.data["places"]), self._clock)
        count, who = msg.data["count"], str(msg.data["part"])
        self._answer("opened", self._member.open(self._order, count, who))

    def _begin(self, environment: Environment, msg: Any) -> None:
        assert self._member is not None
        assert self._order is not None
        told = msg.data
        running = self._member.begin(self._order, told["part"], told["parts"], told["at_us"])
        self._answer("ended", running)

    def _stop(self, environment: Environment, msg: Any) -> None:
        if self._member is not None:
            self._member.stop()

    def _close(self, environment: Environment, msg: Any) -> None:
        assert self._member is not None
        self._answer("closed", self._member.close())

    def _answer(self, name: str, work: Future[Any]) -> None:
        """Say that something is done; a last report goes before the end of a leg."""
        while not work.done():
            gevent.sleep(_POLL_S)
        error = work.exception()
        said: dict[str, Any] = {"error": None if error is None else _in_words(error)}
        if name == "ended" and self._member is not None:
            if isinstance(self._runner, locust.runners.WorkerRunner):
                self._runner._send_stats()
            else:
                self.tell_statistics()
            said |= {
                "busy": self._member.busy,
                "duration_s": self._member.duration_s,
                "reasons": self._member.reasons,
            }
        self._runner.send_message(f"mpp.{name}", said)


class Head:
    """Whoever has the orders carried out: by its own hand, or by those of the workers."""

    def __init__(self, environment: Environment, runner: Runner) -> None:
        self._environment = environment
        self._runner = runner
        self._lines = _lines_of_input()
        self._clock = Clock()
        self._answers: dict[str, list[dict[str, Any]]] = {}
        self._recorder = Recorder()
        for name in ("opened", "ended", "closed"):
            runner.register_message(f"mpp.{name}", self._hear)
        environment.events.worker_report.add_listener(  # type: ignore[no-untyped-call]
            self._merge
        )

    def obey(self) -> None:
        """Carry out the orders of the input, until it ends."""
        while line := self._heard(wait=True):
            told = orjson.loads(line)
            if "order" not in told:  # to stop what has ended meanwhile
                continue
            try:
                result = self.run(Order.from_json(told["order"]), told["places"])
            except GeneratorFailed as error:
                say({"failed": str(error)})
            else:
                say({"result": result})

    def run(self, order: Order, places: dict[str, Any]) -> dict[str, Any]:
        """One leg; what came of it."""
        self._recorder = Recorder()
        parts = self._workers()
        user = USERS[order.operation]
        self._environment.host = places["api_url"]
        self._runner.start(order.users, spawn_rate=order.users, user_classes=[user])
        try:
            self._send("open", parts, order=order.to_json(), places=places, counts=order.users)
            self._wait("opened", len(parts), _OPENING_S)
            at_us = self._clock.wall_us() + _LEAD_US
            self._send("begin", parts, at_us=at_us)
            say({"began": True})
            longest_s = order.duration_s + 2 * order.patience_s + _LEAD_US / 1e6
            ended = self._wait("ended", len(parts), longest_s)
            say({"ended": True})
            self._send("close", parts)
            self._wait("closed", len(parts), _OPENING_S)
        finally:
            self._runner.stop()
        if Hand.here is not None:  # no master, so nothing was reported
            self._recorder.merge(Recorder.from_json(Hand.here.take()))
        reasons: dict[str, int] = {}
        for one in ended:
            for reason, count in one["reasons"].items():
                reasons[reason] = reasons.get(reason, 0) + count
        return {
            **self._recorder.to_json(),
            "busy": max(one["busy"] for one in ended),
            "duration_s": max(one["duration_s"] for one in ended),
            "reasons": reasons,
            "locust": self._statistics(order.operation),
            "page": self._page(),
        }

    def _statistics(self, name: str) -> dict[str, Any]:
        """What Locust's own page says, for whoever wants to compare."""
        total = self._runner.stats.total
        return {
            "requests": total.num_requests,
            "failures": total.num_failures,
            "p50_ms": total.get_response_time_percentile(0.5),
            "p99_ms": total.get_response_time_percentile(0.99),
        }

    def _page(self) -> str:
        """Locust's own report of the leg, where there are workers to tell of."""
        if not isinstance(self._runner, locust.runners.MasterRunner):
            return ""
        page: str = locust.html.get_html_report(  # type: ignore[no-untyped-call]
            self._environment, show_download_link=False
        )
        return page

    def _workers(self) -> list[str]:
        if isinstance(self._runner, locust.runners.MasterRunner):
            return sorted(one.id for one in self._runner.clients.ready)
        return ["local"]

    def _send(self, name: str, parts: list[str], **told: Any) -> None:
        self._answers = {}
        users = told.pop("counts", None)
        for part, client_id in enumerate(parts):
            own = {**told, "part": part, "parts": len(parts)}
            if users is not None:
                own["count"] = len(range(part, users, len(parts)))
            self._tell(name, client_id, own)

    def _tell(self, name: str, client_id: str, told: dict[str, Any]) -> None:
        if client_id == "local":
            gevent.spawn(self._runner.send_message, f"mpp.{name}", told)
        else:
            self._runner.send_message(f"mpp.{name}", told, client_id)

    def _wait(self, name: str, count: int, longest_s: float) -> list[dict[str, Any]]:
        until_us = self._clock.wall_us() + round(longest_s * 1e6)
        while len(self._answers.get(name, ())) < count:
            if name == "ended" and self._heard(wait=False):  # nothing is said meanwhile but to stop
                for part in self._workers():
                    self._tell("stop", part, {})
            if self._clock.wall_us() > until_us:
                raise GeneratorFailed(f"not all generators have {name} in {longest_s:.0f} s")
            gevent.sleep(_POLL_S)
        answers = self._answers[name]
        for one in answers:
            if one["error"]:
                raise GeneratorFailed(one["error"])
        return answers

    def _heard(self, *, wait: bool) -> bytes:
        """The next line of the input; an empty one at its end, or if there is none yet."""
        while True:
            try:
                line = self._lines.get_nowait()
            except Empty:
                if not wait:
                    return b""
                gevent.sleep(_POLL_S)
                continue
            if not line:
                self._lines.put(line)  # whoever asks next must hear it too
            return line

    def _hear(self, environment: Environment, msg: Any) -> None:
        self._answers.setdefault(msg.type.removeprefix("mpp."), []).append(msg.data)

    def _merge(self, client_id: str, data: dict[str, Any]) -> None:
        if _REPORT in data:
            self._recorder.merge(Recorder.from_json(data[_REPORT]))


class GeneratorFailed(Exception):
    """A leg could not be run to its end."""


def say(document: dict[str, Any]) -> None:
    """One line for whoever gave the orders."""
    sys.stdout.buffer.write(orjson.dumps(document) + b"\n")
    sys.stdout.buffer.flush()


def _in_words(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


def _lines_of_input() -> SimpleQueue[bytes]:
    """The lines of standard input, read by a thread of their own; an empty one is its end, and the
    end of this process, even in the midst of a leg."""
    lines: SimpleQueue[bytes] = SimpleQueue()

    def read() -> None:
        for line in sys.stdin.buffer:
            lines.put(line)
        lines.put(b"")
        leash.end()

    Thread(target=read, daemon=True).start()
    return lines


def main() -> None:
    """Be a generator, or the master of several, or one of them, until the input ends."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.locustfile", description=__doc__)
    parser.add_argument("--expect", type=int, default=0, help="be the master of so many workers")
    parser.add_argument("--join", metavar="HOST", help="be a worker of the master there")
    parser.add_argument("--bind", default="127.0.0.1", help="where a master listens")
    parser.add_argument("--port", type=int, default=5557, help="of the master")
    parser.add_argument("--web-port", type=int, help="serve Locust's page there")
    given = parser.parse_args()
    environment = Environment(user_classes=list(USERS.values()), catch_exceptions=True)
    runner: Runner
    gc.set_threshold(*_GC_THRESHOLDS)
    sys.setswitchinterval(_SWITCH_S)
    with LoopThread() as loop:
        if given.join:
            runner = environment.create_worker_runner(given.join, given.port)
            Hand(environment, runner, loop, is_watched=True)
            runner.greenlet.join()
            return
        if given.expect:
            runner = environment.create_master_runner(given.bind, given.port)
            while len(runner.clients.ready) < given.expect:
                gevent.sleep(_POLL_S)
        else:
            runner = environment.create_local_runner()
            Hand(environment, runner, loop, is_watched=given.web_port is not None)
        if given.web_port is not None:
            environment.create_web_ui("127.0.0.1", given.web_port)
        gevent.spawn(locust.stats.stats_history, runner)
        head = Head(environment, runner)
        at_rest_us = loop.submit(lag_at_rest_us(Clock())).result()
        say({"ready": True, "lag_at_rest_us": at_rest_us})
        head.obey()
        runner.quit()


if __name__ == "__main__":
    main()
