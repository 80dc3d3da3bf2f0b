"""A result as files: JSON for people, JSON lines and columns for programs; the same bytes again.

run.json              the study, its parameters and their files, seed, commit and version
records.jsonl         a line for each configuration of each replication
records.npz           the same as one array a column (`numpy.load`)
summary.json          means with intervals
NAME.png .svg .json   each figure, and the numbers it shows
report.html           all of it on one page that needs nothing else
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mock_rails import __version__
from mock_rails.core.errors import BadInput
from scenarios.checkout import RUNNING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios.experiment import Method, Result, Row, Study
    from scenarios.parameters import Parameters


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Make the folder, and say in one line why something cannot be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise BadInput(f"Cannot write to {folder}: {error.strerror or error}.") from None


def write(result: Result, folder: Path, *, figures: bool = True) -> list[Path]:
    """Write all files of a result; returns which."""
    with writing(folder):
        return _write(result, folder, figures)


def _write(result: Result, folder: Path, figures: bool) -> list[Path]:
    written = [folder / name for name in ("run.json", "records.jsonl", "records.npz")]
    written.append(folder / "summary.json")
    written[0].write_text(_json(described(result)))
    written[1].write_text("".join(json.dumps(row) + "\n" for row in result.rows))
    with written[2].open("wb") as file:
        np.savez(file, **columns(result.rows))  # type: ignore[arg-type]
    written[3].write_text(_json(result.summary()))
    if figures:
        from scenarios.figures.report import page
        from scenarios.figures.style import save

        drawn = []
        for name, (figure, numbers) in result.study.figures(result).items():
            written += save(figure, folder / name, numbers)
            drawn.append((folder / name).with_suffix(".svg").read_text())
        written.append(folder / "report.html")
        written[-1].write_text(page(result, described(result), drawn))
    return written


def described(result: Result) -> Row:
    """What was run, so that it can be run again."""
    about = planned(result.study, result.parameters, result.method)
    return {**about, "replications": result.replications}


def planned(study: Study, parameters: Parameters, method: Method) -> Row:
    """What decides every byte of a run before it begins, but for how many replications."""
    settings = parameters.model_dump(mode="json")
    paths = {key: Path(one) for key, one in settings.items() if isinstance(one, str) and one}
    return {
        "study": study.name,
        "parameters": settings,
        "files": {
            key: sha256(path.read_bytes()).hexdigest()
            for key, path in paths.items()
            if path.suffix and path.is_file()
        },
        "seed": method.seed,
        "until_narrow": method.replications is None,
        "confidence": method.confidence,
        "version": __version__,
        "commit": RUNNING,
    }


def columns(rows: list[Row]) -> dict[str, np.ndarray]:
    """The rows turned into one array for each column."""
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _json(document: Any) -> str:
    return json.dumps(document, indent=2) + "\n"
