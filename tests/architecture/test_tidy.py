"""The repository keeps its own rules: budgets, docstrings, integers for money, nothing foreign.

Style 1.3 and 6; DESIGN section 5. Each rule is also shown a sample that it must complain about.
"""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mock_rails import __version__
from tests.architecture import tidy
from tests.architecture.project import ROOMS, ROOT, files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEV_MNEMONIC = "test " * 11 + "junk"
DEV_KEYS = 20


@pytest.fixture(scope="module")
def dev_keys() -> frozenset[str]:
    """The private keys of the public development mnemonic, which everyone may know."""
    from eth_account import Account
    from eth_account.hdaccount import key_from_seed, seed_from_mnemonic

    assert Account is not None
    seed = seed_from_mnemonic(DEV_MNEMONIC, passphrase="")
    paths = [f"m/44'/60'/0'/0/{index}" for index in range(DEV_KEYS)]
    return frozenset(key_from_seed(seed, path).hex() for path in paths)


def texts(*suffixes: str) -> Iterator[tuple[Path, str]]:
    """The project's files that are text, with their content; of these suffixes, if given."""
    for path in files():
        if not suffixes or path.suffix in suffixes:
            data = (ROOT / path).read_bytes()
            if b"\0" not in data:
                yield path, data.decode()


def complaints(rule: Callable[[str, Path], Iterator[str]], *suffixes: str) -> list[str]:
    """What a rule says about all files, as `path:line: complaint`."""
    return [f"{path}:{text}" for path, content in texts(*suffixes) for text in rule(content, path)]


# -- the rules -------------------------------------------------------------------------------------


def test_files_are_short() -> None:
    assert complaints(lambda text, _: tidy.long_file(text), ".py") == []


def test_functions_are_short() -> None:
    assert complaints(lambda text, _: tidy.long_functions(text), ".py") == []


def test_modules_classes_and_functions_are_documented() -> None:
    assert complaints(tidy.missing_docstrings, ".py") == []


def test_money_is_never_a_float() -> None:
    assert complaints(tidy.floats, ".py") == []


def test_nothing_foreign_or_unfinished_is_in_the_files() -> None:
    assert complaints(lambda text, _: tidy.foreign_text(text)) == []


def test_private_keys_are_the_public_ones_of_developers(dev_keys: frozenset[str]) -> None:
    assert complaints(lambda text, _: tidy.private_keys(text, dev_keys)) == []


def test_npm_lock_files_name_no_download() -> None:
    locks = {"package-lock.json", "npm-shrinkwrap.json"}
    found = [
        f"{path}:{complaint}"
        for path, text in texts(".json")
        if path.name in locks
        for complaint in tidy.npm_lock(text)
    ]
    assert found == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_typed(room: str) -> None:
    assert (ROOT / room / "py.typed").is_file()


def test_the_changelog_knows_the_version() -> None:
    versions = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert next(version for version in versions if version != "Unreleased") == __version__


def test_constraints_pin_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[\w.-]+==[\w.+!]+", line)] == []
    names = {re.split("==", pin)[0].lower().replace("_", "-") for pin in pins}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = chain(project["dependencies"], *project["optional-dependencies"].values())
    required = {re.split(r"[\[=><]", one)[0].lower().replace("_", "-") for one in wanted}
    assert required - names == {"mpp-sandbox"}


# -- the rules can fail ----------------------------------------------------------------------------

ROOM_FILE = Path("mock_rails/sample.py")
LONG_FUNCTION = '"""Doc."""\n\ndef f():\n' + "    pass\n" * 70


@pytest.mark.parametrize(
    ("rule", "sample", "complaint"),
    [
        (tidy.long_file, "\n" * 501, "501 lines"),
        (tidy.long_functions, LONG_FUNCTION, "f has 71 lines"),
        (tidy.long_functions, LONG_FUNCTION.replace("def", "async def"), "f has 71 lines"),
        (tidy.foreign_text, "cd " + "/tm" + "p/x", "a path of one machine"),
        (tidy.foreign_text, '"' + "/wor" + 'k/main"', "a path of one machine"),
        (tidy.foreign_text, "https://py" + "pi.org/simple", "a registry's host"),
        (tidy.foreign_text, "registry.npm" + "js.org", "a registry's host"),
        (tidy.foreign_text, "# TO" + "DO: later", "unfinished work"),
        (tidy.foreign_text, "sk_liv" + "e_1234", "a secret"),
        (tidy.foreign_text, "-----BEGIN EC PRIVATE KE" + "Y-----", "a secret"),
        (tidy.npm_lock, '  "resolved": "x"', "a download address"),
    ],
)
def test_a_rule_complains(
    rule: Callable[[str], Iterator[str]], sample: str, complaint: str
) -> None:
    assert any(complaint in found for found in rule(sample))


@pytest.mark.parametrize(
    "sample",
    [
        "/private",
        "https://example.com/work/1",
        "GET /root HTTP/1.1",
        "a/tmp/b",
        "the to" + "do list",
        "def hackney(): ...",
    ],
)
def test_ordinary_text_is_not_foreign(sample: str) -> None:
    assert list(tidy.foreign_text(sample)) == []


def test_an_unknown_private_key_is_found(dev_keys: frozenset[str]) -> None:
    key = "0123456789abcdef" * 4
    assert list(tidy.private_keys(f"PRIVATE_KEY = 0x{key}", dev_keys))
    assert not list(tidy.private_keys(f"block_hash = 0x{key}", dev_keys))
    assert not list(tidy.private_keys(f"private_key = 0x{'46' * 32}", dev_keys))
    for known in dev_keys:
        assert not list(tidy.private_keys(f"private_key = 0x{known}", dev_keys))
    assert len(dev_keys) == DEV_KEYS


@pytest.mark.parametrize(
    "sample",
    ["x = 1.5", "x = float('1')", "x = total / 2", "x = 1e18", "x = a / b  # not money:"],
)
def test_a_float_is_found_in_the_money_room_only(sample: str) -> None:
    assert list(tidy.floats(sample, ROOM_FILE))
    assert not list(tidy.floats(sample, Path("benchmarks/sample.py")))
    assert not list(tidy.floats(sample, Path(tidy.FLOATS_ALLOWED[0])))


@pytest.mark.parametrize(
    "sample",
    [
        "x = total // 2",
        "x = 10**18",
        "x = Path(a) / 'b'",
        "x = folder / name",
        "x = timeout_ms / MS_PER_S",
        "x = used / limit  # not money: a ratio that the RPC wants as a number",
    ],
)
def test_integers_paths_and_times_are_no_floats(sample: str) -> None:
    assert not list(tidy.floats(sample, ROOM_FILE))


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("x = 1", ["the module has no docstring"]),
        ('"""D."""\ndef f(): ...', ["2: f has no docstring"]),
        ('"""D."""\nclass C:\n    "D."\n    def m(self): ...', ["4: C.m has no docstring"]),
        ('"""D."""\nclass C: ...', ["2: C has no docstring"]),
        ('"""D."""\nclass C:\n    "D."\n    @p.setter\n    def p(self, v): ...', []),
        ('"""D."""\ndef _f(): ...\nclass _C:\n    def m(self): ...', []),
        ("", []),
    ],
)
def test_a_missing_docstring_is_found(sample: str, expected: list[str]) -> None:
    assert list(tidy.missing_docstrings(sample, ROOM_FILE)) == expected
