"""Where the project's files are: the rooms, their modules, and all that is in the repository."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("benchmarks", "mock_rails", "sandbox", "scenarios")


def files() -> list[Path]:
    """Every file that is or would be committed, relative to the root.

    Without git or outside a clone (a source distribution), everything that is not hidden.
    """
    if shutil.which("git") and (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        found = {Path(name) for name in listed.split("\0") if name}
    else:
        found = {path.relative_to(ROOT) for path in ROOT.rglob("*")}
        left_behind = {"node_modules", "__pycache__", "build", "dist"}
        found = {
            path
            for path in found
            if left_behind.isdisjoint(path.parts)
            and not any(part.startswith(".") or part.endswith(".egg-info") for part in path.parts)
        }
    return sorted(path for path in found if (ROOT / path).is_file())


def modules() -> list[str]:
    """The dotted names of all modules and packages of the four rooms."""
    names = []
    for path in files():
        if path.suffix == ".py" and path.parts[0] in ROOMS:
            parts = path.with_suffix("").parts
            names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names
