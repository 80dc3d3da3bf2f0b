"""`mpp-sandbox faults`: what goes wrong, where and when; armed, counted and taken away.

Tables are for people: aligned on a terminal, separated by tabs in a pipe.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sandbox.cli.failing import one_clear_line
from sandbox.cli.running import ControlUrl, find
from sandbox.cli.writing import paint, show_json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_EXAMPLES: Final = """Examples:
  mpp-sandbox faults points
  mpp-sandbox faults arm tempo.submit lose_response --when nth=1
  mpp-sandbox faults arm stripe.card decline --arg decline_code=insufficient_funds
  mpp-sandbox faults arm tempo.seal fee_spike --arg base_fee=90000000000
  mpp-sandbox faults arm --named response-lost-after-settlement
  mpp-sandbox faults list
  mpp-sandbox faults disarm fault-1
  mpp-sandbox faults clear

Conditions: always, nth=3, every=2, probability=1/20, and with each times=4,
after=EVENT, until=EVENT (kinds of journal events), joined by commas.
"""

_LONGEST_NUMBER: Final = 20

Json = Annotated[bool, typer.Option("--json", help="Write it as JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    faults = typer.Typer(
        help="Make the rails fail, on purpose and reproducibly.",
        epilog=_EXAMPLES,
        no_args_is_help=True,
    )
    faults.command("list")(listed)
    faults.command("points")(points)
    faults.command("arm")(arm)
    faults.command("disarm")(disarm)
    faults.command("clear")(clear)
    app.add_typer(faults, name="faults")


def listed(json: Json = False, control_url: ControlUrl = None) -> None:
    """List the armed faults, and how often each was hit and fired."""
    with one_clear_line(), find(control_url) as devnet:
        found = devnet.get("/faults")["faults"]
        if json:
            show_json({"faults": found})
        elif not found and sys.stdout.isatty():
            typer.echo("No faults are armed. `mpp-sandbox faults points` shows what there is.")
        else:
            _write(fault_rows(found))


def points(
    rail: Annotated[str, typer.Argument(help="Of one rail, or one point, only.")] = "",
    json: Json = False,
    control_url: ControlUrl = None,
) -> None:
    """List where faults can strike, what they can do there, and what --arg and --where take."""
    with one_clear_line(), find(control_url) as devnet:
        found = devnet.get("/faults")["points"]
        chosen = [one for one in found if f"{one['name']}.".startswith(f"{rail}." if rail else "")]
        if not chosen:
            from mock_rails.core.errors import NotFound, nearest

            known = {one["name"] for one in found} | {one["name"].split(".")[0] for one in found}
            raise NotFound(
                f"There are no fault points at {rail[:60]!r}.", hint=nearest(rail, known)
            )
        if json:
            show_json({"points": chosen})
        else:
            _write(point_rows(chosen))


def arm(
    at: Annotated[str, typer.Argument(metavar="AT", help="The point: tempo.submit.")] = "",
    do: Annotated[str, typer.Argument(metavar="DO", help="What happens there: drop.")] = "",
    when: Annotated[
        str, typer.Option(metavar="WHEN", help="When: nth=3, every=2, probability=1/20.")
    ] = "always",
    arg: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="An argument of the action.")
    ] = None,
    where: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="Only where it has this value.")
    ] = None,
    named: Annotated[
        str, typer.Option(metavar="FAILURE", help="Those of a failure (failures list) instead.")
    ] = "",
    json: Json = False,
    control_url: ControlUrl = None,
) -> None:
    """Arm a fault: at this point, do this, under this condition."""
    with one_clear_line():
        if named:
            _arm_named(named, at, json=json, control_url=control_url)
            return
        if not at or not do:
            raise _what()
        given, wanted = table(arg), table(where)
        with find(control_url) as devnet:
            numbers = _numbers(devnet.get("/faults")["points"], at, do) if given else ()
            args = {name: _value(name, text, numbers) for name, text in given.items()}
            fault = {"at": at, "do": do, "when": when, "args": args, "where": wanted}
            armed = devnet.post("/faults", fault)
        if json:
            show_json(armed)
        else:
            _say_armed(armed)


def _arm_named(slug: str, at: str, *, json: bool, control_url: str | None) -> None:
    """Arm those of a failure; what else was said would mean nothing."""
    from mock_rails.core.errors import BadInput

    if at:
        raise BadInput("--named arms the faults of a failure, and takes no point besides.")
    with find(control_url) as devnet:
        done = devnet.post("/faults", {"named": slug})
    if json:
        show_json(done)
        return
    for armed in done["armed"]:
        _say_armed(armed)


def _what() -> Exception:
    from mock_rails.core.errors import BadInput

    return BadInput("Which fault?", hint="Name a point and an action, or --named and a failure.")


def _say_armed(armed: Mapping[str, Any]) -> None:
    fault = armed["fault"]
    typer.echo(f"{armed['id']}\t{fault['at']}\t{fault['do']}\t{_when(fault['when'])}")


def disarm(
    fault: Annotated[str, typer.Argument(metavar="ID", help="Its id, such as fault-1.")],
    json: Json = False,
    control_url: ControlUrl = None,
) -> None:
    """Take one fault away."""
    from urllib.parse import quote

    with one_clear_line(), find(control_url) as devnet:
        _gone(devnet.delete(f"/faults/{quote(fault, safe='')}"), json=json)


def clear(json: Json = False, control_url: ControlUrl = None) -> None:
    """Take all faults away."""
    with one_clear_line(), find(control_url) as devnet:
        _gone(devnet.delete("/faults"), json=json)


def table(given: Sequence[str] | None) -> dict[str, str]:
    """`k=v` pairs as a table."""
    from mock_rails.core.errors import BadInput

    found: dict[str, str] = {}
    for pair in given or ():
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise BadInput(f"{pair[:60]!r} is no name=value.", hint="Write it as last4=4242.")
        if name in found:
            raise BadInput(f"{name[:60]!r} is given twice.")
        found[name] = value
    return found


def fault_rows(found: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """The armed faults as a table with a heading."""
    rows: list[tuple[str, ...]] = [("id", "at", "do", "when", "hits", "fired", "args", "where")]
    for one in found:
        fault = one["fault"]
        when = _when(fault["when"]) + ("" if one["open"] else " (closed)")
        args, where = _pairs(fault.get("args")), _pairs(fault.get("where"))
        counts = (str(one["hits"]), str(one["fired"]))
        rows.append((one["id"], fault["at"], fault["do"], when, *counts, args, where))
    return rows


def point_rows(found: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """The points as a table with a heading: a row for each action."""
    rows: list[tuple[str, ...]] = [("at", "do", "args", "what it does", "where")]
    for point in found:
        for action in point["actions"]:
            where = " ".join(point["context"])
            args = " ".join(action["args"])
            rows.append((point["name"], action["name"], args, action["summary"], where))
    return rows


def _numbers(points: Sequence[Mapping[str, Any]], at: str, do: str) -> Collection[str]:
    """Which arguments of this action are whole numbers; the devnet judges the names."""
    actions = [one for point in points if point["name"] == at for one in point["actions"]]
    return [name for one in actions if one["name"] == do for name in one["whole"]]


def _value(name: str, text: str, numbers: Collection[str]) -> str | int | bool:
    """An argument as its action wants it. `code=0042` stays text."""
    if name in numbers and text.isascii() and text.isdigit() and len(text) < _LONGEST_NUMBER:
        return int(text)
    return text == "true" if text in ("true", "false") else text


def _when(when: str | Mapping[str, Any]) -> str:
    return when if isinstance(when, str) else _pairs(when, ",")


def _pairs(values: Mapping[str, Any] | None, between: str = " ") -> str:
    return between.join(f"{name}={value}" for name, value in (values or {}).items())


def _gone(done: Mapping[str, Any], *, json: bool) -> None:
    if json:
        show_json(done)
        return
    for one in done["disarmed"]:
        fired = {0: "never fired", 1: "fired once"}.get(one["fired"], f"fired {one['fired']} times")
        typer.echo(f"Disarmed {one['id']}, which {fired}.")
    if not done["disarmed"]:
        typer.echo("No faults were armed.")


def _write(rows: list[tuple[str, ...]]) -> None:
    """A table: in columns for a terminal, with tabs for a pipe."""
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(row))
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        line = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        typer.echo(line.rstrip() if number else paint(line.rstrip(), "cyan"))
