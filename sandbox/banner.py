"""What `mpp-sandbox up` prints: each part's own words under one heading, or one JSON line."""

from __future__ import annotations

from typing import Any

from mock_rails import __version__
from mock_rails.tempo import banner as tempo_banner


def text(parts: dict[str, dict[str, Any]]) -> str:
    """The banner for people; `parts` are the summaries of what was started, by name."""
    lines = [f"mpp-sandbox {__version__}", ""]
    if "tempo" in parts:
        lines += tempo_banner.lines(parts["tempo"])
    lines += ["", "Ctrl-C stops it."]
    return "\n".join(lines)


def json_line(parts: dict[str, dict[str, Any]]) -> str:
    """The same facts for programs, on one line."""
    import orjson

    return orjson.dumps({"version": __version__, **parts}).decode()
