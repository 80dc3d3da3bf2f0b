"""Where a run was made: what a figure depends on besides the code (style 4.2)."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

_PACKAGES: Final = (
    "mpp-sandbox", "pympp", "httpx", "uvicorn", "uvloop", "httptools", "coincurve", "locust",
    "hdrhistogram",
)  # fmt: skip
_GOVERNOR: Final = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
_CPUINFO: Final = Path("/proc/cpuinfo")
_HERE: Final = Path(__file__).parent


def fingerprint() -> dict[str, Any]:
    """The machine, the versions, and which state of the code it was."""
    import psutil  # type: ignore[import-untyped]

    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "load_before": list(psutil.getloadavg()),
        "governor": _read(_GOVERNOR) or "unknown",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "commit": _git("rev-parse", "HEAD"),
        "changed": bool(_git("status", "--porcelain")),
    }


def _cpu() -> str:
    for line in (_read(_CPUINFO) or "").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    """What git says of the code; None where it was installed without."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=_HERE, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
