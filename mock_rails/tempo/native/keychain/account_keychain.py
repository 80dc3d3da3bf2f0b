"""The account keychain joined: the class that serves its address."""

from __future__ import annotations

from mock_rails.tempo.native.keychain.grants import Grants


class AccountKeychain(Grants):
    """The access keys of all accounts."""
