"""A figure inside a page: named for those who cannot see it, its ids not mixed with others'."""

from __future__ import annotations

import re
from html import escape
from typing import Final

_NAMES: Final = re.compile(r'(\bid="|href="#|url\(#)')
_OWN: Final = re.compile(r"<(metadata|title)>.*?</\1>", re.DOTALL)
"""What only a file of its own needs."""


def inline(svg: str, name: str, title: str) -> str:
    """The picture's element, without what only a file of its own needs."""
    body = _OWN.sub("", svg[svg.index("<svg") :])
    body = _NAMES.sub(rf"\g<1>{name}-", body)
    opening, _, rest = body.partition(">")
    described = f'{opening} role="img" aria-labelledby="{name}-title">'
    return f'{described}\n<title id="{name}-title">{escape(title)}</title>{rest}'
