"""A real Redis for tests: Debian's `redis-server` on a socket in a temporary folder, or a port."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis import Redis

STARTS_WITHIN_S = 20


class RedisServer:
    """One running server; `admin` is a plain client to look at it from outside."""

    def __init__(self, socket: Path, port: int) -> None:
        import redis

        self.socket = socket
        self.url = f"redis://127.0.0.1:{port}/0" if port else f"unix://{socket}"
        self.admin: Redis = redis.Redis(unix_socket_path=str(socket))


@contextmanager
def running_redis(port: int = 0, kept: Path | None = None) -> Iterator[RedisServer]:
    """Start a server and stop it at the end; skip where there is none to start.

    With a `port` it listens there too, and its `url` says so. In a folder that is `kept` it writes
    down every change, and the next server there goes on with it.
    """
    pytest.importorskip("redis", reason="needs the package redis (pip install '.[redis]')")
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("needs redis-server on the PATH (apt-get install redis-server)")
    # Not pytest's own folder: the path of a socket may have 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        socket = Path(folder, "redis.sock")
        options = ["--unixsocket", str(socket), "--save", "", "--dir", str(kept or folder)]
        options += ["--appendonly", "yes" if kept else "no", "--appendfsync", "always"]
        options += ["--port", str(port), "--bind", "127.0.0.1"]
        process = subprocess.Popen(
            [program, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        try:
            server = RedisServer(socket, port)
            _await_answer(server, process)
            yield server
            server.admin.close()
        finally:
            process.terminate()
            process.wait(10)
            process.stdout.close()


def _await_answer(server: RedisServer, process: subprocess.Popen[str]) -> None:
    import redis

    deadline_s = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            server.admin.ping()
        except redis.exceptions.ConnectionError:
            if process.poll() is not None or time.monotonic() > deadline_s:
                process.kill()
                assert process.stdout is not None
                raise AssertionError(f"Redis did not start: {process.stdout.read()}") from None
            time.sleep(0.02)
        else:
            return
