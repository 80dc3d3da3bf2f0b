"""The plugin's own clock, instead of the one that other tests share."""

from __future__ import annotations

from sandbox.pytest_plugin import clock

__all__ = ["clock"]
