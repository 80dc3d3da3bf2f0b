"""`mpp-sandbox accounts`: the development accounts and what they hold."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from sandbox.cli.failing import one_clear_line
from sandbox.cli.running import ControlUrl, find
from sandbox.cli.writing import money, paint, show_json

_EXAMPLES: Final = """Examples:
  mpp-sandbox accounts
  mpp-sandbox accounts --json | jq -r '.accounts[0].address'

Amounts in JSON are base units: 1000000 is $1.00.
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EXAMPLES)(accounts)


def accounts(
    json: Annotated[bool, typer.Option("--json", help="Write it as JSON.")] = False,
    token: Annotated[str, typer.Option(metavar="NAME", help="Of which token.")] = "pathUSD",
    control_url: ControlUrl = None,
) -> None:
    """Show the development accounts of the running devnet with their roles and balances.

    `pay` takes an account's number as --account. JSON has all tokens, in base units.
    """
    with one_clear_line(), find(control_url) as devnet:
        found = devnet.get("/accounts")
        if json:
            show_json(found)
            return
        for line in table(found["accounts"], token):
            typer.echo(line)


def table(found: list[dict[str, Any]], token: str) -> list[str]:
    """The accounts in columns; raises `BadInput` for a token that they do not know."""
    from mock_rails.core.errors import BadInput

    if not found:
        return ["This devnet has no accounts of its own."]
    names = {name.lower(): name for name in found[0]["balances"]}
    if token.lower() not in names:
        raise BadInput(
            f"There is no token {token[:40]!r}.", hint=f"There are {', '.join(names.values())}."
        )
    name = names[token.lower()]
    amounts = [money(int(one["balances"][name])) for one in found]
    width = max(len(name), *map(len, amounts))
    lines = [paint(f" #  {'address':<42}  {name:>{width}}  role", "cyan")]
    for one, amount in zip(found, amounts, strict=True):
        line = f"{one['index']:>2}  {one['address']}  {amount:>{width}}  {one['role'] or ''}"
        lines.append(line.rstrip())
    return lines
