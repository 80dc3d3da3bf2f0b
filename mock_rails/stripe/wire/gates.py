"""What API versions take away and bring: which parameters an endpoint knows by version (0.1).

`payment_method_types` is no longer taken from `2026-09-30` on, on the preview track from
`2026-08-26` on; `allowed_payment_method_types` is there since `2026-07-29`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.errors import InvalidRequest, UnknownParameter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.endpoint import Endpoint
    from mock_rails.stripe.version import Version

_TYPES: Final = "payment_method_types"
_TYPES_GONE: Final = "2026-09-30"
_TYPES_GONE_PREVIEW: Final = "2026-08-26"

_ALLOWED: Final = "allowed_payment_method_types"
_ALLOWED_SINCE: Final = "2026-07-29"
_INSTEAD_OF_ALLOWED: Final = (
    _TYPES,
    "excluded_payment_method_types",
    "automatic_payment_methods",
    "payment_method_configuration",
)

_INTENTS: Final = frozenset(
    f"/v1/{noun}{rest}"
    for noun in ("payment_intents", "setup_intents")
    for rest in ("", "/{id}", "/{id}/confirm")
)


def check(endpoint: Endpoint, version: Version, given: Mapping[str, Any]) -> None:
    """Refuse parameters that the version does not have."""
    if endpoint.verb != "POST" or endpoint.path not in _INTENTS:
        return
    if _TYPES in given and version.since(_TYPES_GONE, preview=_TYPES_GONE_PREVIEW):
        raise InvalidRequest(
            f"The `{_TYPES}` parameter is no longer supported in API version {version}. Use "
            f"`{_ALLOWED}` to say which payment methods may be used, or leave it out to have them "
            "chosen automatically.",
            code="payment_method_types_no_longer_supported",
            param=_TYPES,
        )
    if _ALLOWED not in given:
        return
    if not version.since(_ALLOWED_SINCE):
        raise UnknownParameter(_ALLOWED)
    for other in _INSTEAD_OF_ALLOWED:
        if other in given:
            raise InvalidRequest(
                f"You may only specify one of these parameters: {_ALLOWED}, {other}.",
                code="parameters_exclusive",
                param=_ALLOWED,
            )
