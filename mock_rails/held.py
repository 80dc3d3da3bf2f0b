"""Files that a process holds for as long as it lives: the state file's lock, a folder of its own.

The system lets go of such a lock however a process ends, so that a killed one is never taken for a
living one, nor the other way round, as a process number could be that was given to another since.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALIVE: Final = "alive"


class Held:
    """A hold on an empty file, which is made for it; BlockingIOError while another has it.

    Those that only share it (`shared`) do not stand in each other's way.
    """

    def __init__(self, path: Path, *, shared: bool = False) -> None:
        import fcntl

        how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        self._path = path
        while True:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(self._file, how | fcntl.LOCK_NB)
                if _is_same(self._file, path):
                    break
            except BaseException:
                os.close(self._file)
                raise
            os.close(self._file)  # whoever had it has just taken the file away
        self._letting_go = weakref.finalize(self, os.close, self._file)

    def is_only(self) -> bool:
        """Whether nobody shares it, and nobody can from now on. Where it is False, the hold is
        over: this is asked by who leaves."""
        import fcntl

        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let go, and take the file away, unless others share it."""
        if self._letting_go.alive:
            if self.is_only():
                self._path.unlink(missing_ok=True)
            self._letting_go()


@contextmanager
def own_folder(prefix: str) -> Iterator[Path]:
    """A folder for this process alone, gone with it. Those of killed processes are swept first."""
    _sweep(prefix)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        with suppress(BlockingIOError, FileNotFoundError):  # another one sweeps, and was faster
            hold = Held(folder / _ALIVE)
            break
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        hold.release()


def _sweep(prefix: str) -> None:
    for alive in Path(tempfile.gettempdir()).glob(f"{prefix}*/{_ALIVE}"):
        folder = alive.parent
        with suppress(OSError):  # it lives, or it is another user's
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            hold = Held(alive)
            shutil.rmtree(folder, ignore_errors=True)
            hold.release()


def _is_same(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
