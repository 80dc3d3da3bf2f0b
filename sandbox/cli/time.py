"""`mpp-sandbox time`: the devnet's clock, shown and moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sandbox.cli.failing import one_clear_line
from sandbox.cli.running import ControlUrl, find
from sandbox.cli.writing import refuse_usage, show_json

if TYPE_CHECKING:
    from sandbox.cli.running import RunningDevnet

_EXAMPLES: Final = """Examples:
  mpp-sandbox time
  mpp-sandbox time +16m
  mpp-sandbox time freeze
  mpp-sandbox time set 2026-12-01T00:00:00Z
  mpp-sandbox time resume

Spans are 90s, 16m, 1h30m, 2d or 500ms. All rails and the merchants go by
this clock: challenges expire, forced closes ripen, webhooks are tried again.
"""
_DAY_S: Final = 86_400
_VERBS: Final = ("set", "freeze", "resume")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EXAMPLES)(time)


def time(
    what: Annotated[
        str | None, typer.Argument(metavar="[+SPAN|set|freeze|resume]", help="What to do.")
    ] = None,
    to: Annotated[
        str | None, typer.Argument(metavar="[INSTANT]", help="Where to set or freeze it.")
    ] = None,
    backwards: Annotated[
        bool, typer.Option("--backwards", help="Let `set` go into the past.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Write it as JSON.")] = False,
    control_url: ControlUrl = None,
) -> None:
    """Show the devnet's clock, jump forward, set, stop or resume it."""
    _check_usage(what, to, backwards=backwards)
    with one_clear_line(), find(control_url) as devnet:
        now = _do(devnet, what, to, backwards=backwards)
        if json:
            show_json(now)
        else:
            typer.echo(told(now))


def told(now: dict[str, Any]) -> str:
    """The time in words: when it is, whether it stands, and how far from the wall's."""
    state = "frozen" if now["frozen"] else "running"
    ahead_s = now["ahead_s"]
    if abs(ahead_s) <= 1:
        return f"{now['now']} ({state})"
    direction = "ahead of" if ahead_s > 0 else "behind"
    return f"{now['now']} ({state}, {span(abs(ahead_s))} {direction} this machine's clock)"


def span(seconds: int) -> str:
    """A span in its two largest units: `16m`, `1h30m`, `4d2h`."""
    parts: list[str] = []
    for unit, size in (("d", _DAY_S), ("h", 3_600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts[:2]) or "0s"


def _check_usage(what: str | None, to: str | None, *, backwards: bool) -> None:
    if what == "set" and to is None:
        refuse_usage("`time set` wants an instant, such as 2026-12-01T00:00:00Z.")
    if to is not None and what not in ("set", "freeze"):
        refuse_usage(f"`time {what}` takes nothing more, and there is {to[:60]!r}.")
    _check_verb(what)
    if backwards and what != "set":
        refuse_usage("--backwards goes with `time set`.")


def _check_verb(what: str | None) -> None:
    """A word that is no span is a misspelt verb."""
    if what is None or what in _VERBS or what.lstrip("+")[:1].isdigit():
        return
    from mock_rails.core.errors import nearest

    refuse_usage(f"`time {what[:60]}` is no span and no verb. {nearest(what, _VERBS)}")


def _do(devnet: RunningDevnet, what: str | None, to: str | None, *, backwards: bool) -> Any:
    if what is None:
        return devnet.get("/time")
    if what == "set":
        return devnet.post("/time/set", {"to": to, "backwards": backwards})
    if what == "freeze":
        return devnet.post("/time/freeze", {"at": to})
    if what == "resume":
        return devnet.post("/time/resume")
    return devnet.post("/time/advance", {"by": what})
