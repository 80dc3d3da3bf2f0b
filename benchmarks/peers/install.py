"""Installs the peers from npm into this folder, once."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

_FOLDER = Path(__file__).parent


class PeerMissingError(Exception):
    """A peer cannot be installed here; the message says what is needed."""


def anvil() -> Path:
    """The anvil executable, installed if it is not there yet."""
    found = _anvil_binary()
    if found is None:
        _npm_install()
        found = _anvil_binary()
    if found is None:
        raise PeerMissingError("npm installed @foundry-rs/anvil without a binary for this machine")
    return found


def mppx_server() -> Path:
    """The program that serves with mppx; mppx itself is installed if it is not there yet."""
    if not (_FOLDER / "node_modules/mppx/package.json").exists():
        _npm_install()
    return _FOLDER / "mppx_server.mjs"


def _anvil_binary() -> Path | None:
    return next(_FOLDER.glob("node_modules/@foundry-rs/anvil-*/bin/anvil*"), None)


def _npm_install() -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise PeerMissingError("the comparison needs Node and npm: install them and run again")
    command = [
        npm,
        "install",
        "--no-save",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ]
    done = subprocess.run(command, cwd=_FOLDER, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerMissingError(f"npm could not install the peers: {done.stderr.strip()[-500:]}")
