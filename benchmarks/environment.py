"""The machine and the software that a figure was measured on, so that it can be judged later."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from scenarios import checkout

_ROOT: Final = Path(__file__).parents[1]
_GOVERNOR: Final = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
_PACKAGES: Final = (
    "coincurve", "hdrhistogram", "httpx", "locust", "py-evm", "pympp", "simpy", "uvicorn", "uvloop",
)  # fmt: skip
_PROCESSORS: Final = Path("/proc/cpuinfo")
_GIT_TIMEOUT_S: Final = 5
_DIGITS: Final = 12


def fingerprint() -> dict[str, Any]:
    """What matters for speed, and nothing that names a person or a path."""
    return {
        "commit": commit(),
        "python": platform.python_version(),
        "system": platform.system(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "hypervisor": _is_virtual(),
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "memory_bytes": _memory_bytes(),
        "governor": read(_GOVERNOR),
        "load": [round(one, 2) for one in os.getloadavg()],
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
    }


def commit() -> str | None:
    """The commit of this checkout, with a plus if files differ from it; None outside of one."""
    head = checkout.commit()
    if head is None:
        return None
    return head[:_DIGITS] + ("+" if _is_changed() else "")


def _is_changed() -> bool:
    command = ["git", "status", "--porcelain", "--untracked-files=no"]
    try:
        done = subprocess.run(
            command, cwd=_ROOT, capture_output=True, check=True, timeout=_GIT_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return bool(done.stdout.strip())


def _processor() -> str | None:
    return _told("model name") or platform.processor() or None


def _is_virtual() -> bool | None:
    """Whether it runs under a hypervisor; None where the system does not tell."""
    flags = _told("flags")
    return None if flags is None else "hypervisor" in flags.split()


def _told(name: str) -> str | None:
    """What the system tells of its first processor."""
    for line in (read(_PROCESSORS) or "").splitlines():
        found, _, value = line.partition(":")
        if found.strip() == name:
            return value.strip()
    return None


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):  # no such name on this system
        return None


def read(path: Path) -> str | None:
    """What the system tells in one of its files; None where it has none."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
