"""The account keychain: access keys that sign for an account, and what each of them may do.

A contract per concern (keys, limits, scopes, witnesses, grants) and one class that joins them, as
with TIP-20. Spec: facts 2.6.
"""

from mock_rails.tempo.native.keychain.account_keychain import AccountKeychain
from mock_rails.tempo.native.keychain.grants import KeyAuthorizationError

__all__ = ["AccountKeychain", "KeyAuthorizationError"]
