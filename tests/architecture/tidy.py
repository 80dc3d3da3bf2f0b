"""The tidiness rules: each takes a file and says what is wrong with it, line by line.

They hold for what linters do not know: the project's budgets (style: files of at most 500 lines,
functions of at most 70), what must not be in any file, and that money is never a float.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from tests.architecture.project import ROOMS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 70

# The patterns are written so that they do not match themselves.
MACHINE_PATH = re.compile(r"(?<![\w.~$}/-])/(?:work|tmp|root|home|Users|opt|private)/[\w.]")
REGISTRY_HOST = re.compile(
    r"(?:pypi|pythonhosted|npmjs|yarnpkg|npmmirror)\.(?:org|com)|proxy\.golang\.org|"
    r"(?:ghcr|quay)\.io|crates\.io",
    re.IGNORECASE,
)
UNFINISHED = re.compile(r"\b(?:TO[D]O|FIXM[E]|XX[X]|HAC[K])\b")
SECRET_LITERAL = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KE[Y]|\b(?:sk|rk)_liv[e]_\w|\bgh[po]_\w{30}|\bAKI[A][0-9A-Z]{16}"
)
KEY_CONTEXT = re.compile(
    r"private|secret|signing_?key|dev_?key|from_key|toAccount|\bsk\b", re.IGNORECASE
)
HEX_32 = re.compile(r"(?<![0-9a-fA-F])(?:0x)?([0-9a-fA-F]{64})(?![0-9a-fA-F])")

# Where a fraction of a second or a ratio of measurements is meant, not money.
FLOATS_ALLOWED = ("mock_rails/core/clock.py", "mock_rails/core/units.py")

NOT_MONEY = re.compile(r"# not money: \S")
NO_MONEY_NAME = re.compile(r"path|folder|here|\bFraction\b|_(?:s|ms|us|ns)\b", re.IGNORECASE)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def long_file(text: str) -> Iterator[str]:
    """A file that should have become a package."""
    count = text.count("\n")
    if count > MAX_FILE_LINES:
        yield f"has {count} lines, more than {MAX_FILE_LINES}"


def long_functions(text: str) -> Iterator[str]:
    """Functions that should have become several."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > MAX_FUNCTION_LINES:
                yield f"{node.lineno}: {node.name} has {count} lines, not {MAX_FUNCTION_LINES}"


def foreign_text(text: str) -> Iterator[str]:
    """Traces of one machine, of registries, of unfinished work, and of secrets."""
    for number, line in enumerate(text.splitlines(), start=1):
        for pattern, what in (
            (MACHINE_PATH, "a path of one machine"),
            (REGISTRY_HOST, "a registry's host"),
            (UNFINISHED, "unfinished work"),
            (SECRET_LITERAL, "a secret"),
        ):
            if found := pattern.search(line):
                yield f"{number}: {what}: {found[0]!r}"


def private_keys(text: str, known: frozenset[str]) -> Iterator[str]:
    """32-byte hex numbers that are called keys and are not among the public ones of developers.

    Numbers of few different digits, such as 0x…01 or 0x4646…, are test vectors by their looks.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        if KEY_CONTEXT.search(line):
            for found in HEX_32.finditer(line):
                if len(set(found[1])) > 4 and found[1].lower() not in known:
                    yield f"{number}: a private key: {found[1][:8]}…"


def missing_docstrings(text: str, path: Path) -> Iterator[str]:
    """Modules without a docstring; in the rooms also public classes and functions."""
    tree = ast.parse(text)
    if tree.body and not ast.get_docstring(tree):
        yield "the module has no docstring"
    if path.parts[0] in ROOMS:
        yield from _undocumented(tree, "")


def _undocumented(parent: ast.Module | ast.ClassDef, prefix: str) -> Iterator[str]:
    for node in parent.body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
        repeats = any(d == "overload" or d.endswith((".setter", ".deleter")) for d in decorators)
        if not repeats and not ast.get_docstring(node):
            yield f"{node.lineno}: {prefix}{node.name} has no docstring"
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(node, f"{prefix}{node.name}.")


def floats(text: str, path: Path) -> Iterator[str]:
    """Float literals, float() and true division in the money room.

    Joining paths and dividing times (named with their unit, as `timeout_ms`) is no money; any other
    exception says `# not money: why` on its line.
    """
    if path.parts[0] != "mock_rails" or path.as_posix() in FLOATS_ALLOWED:
        return
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            what = f"the float {node.value}"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "float":
            what = "a call of float()"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not _harmless(node):
            what = f"true division: {ast.unparse(node)}"
        else:
            continue
        if not NOT_MONEY.search(lines[node.lineno - 1]):
            yield f"{node.lineno}: {what}"


def _harmless(division: ast.BinOp) -> bool:
    """Whether it joins a path or divides a time, or is exact."""
    right = division.right
    if isinstance(right, ast.JoinedStr) or (
        isinstance(right, ast.Constant) and isinstance(right.value, str)
    ):
        return True
    return NO_MONEY_NAME.search(ast.unparse(division)) is not None


def npm_lock(text: str) -> Iterator[str]:
    """Lock files that say where packages were downloaded from, which no other machine can use."""
    for number, line in enumerate(text.splitlines(), start=1):
        if '"resolved"' in line:
            yield f"{number}: a download address"
