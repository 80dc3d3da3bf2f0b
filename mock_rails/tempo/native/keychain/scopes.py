"""Which calls an access key may make: by contract, function and recipient (facts 2.6, TIP-1011)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo import gas
from mock_rails.tempo.addresses import ZERO_ADDRESS, is_tip20
from mock_rails.tempo.native.contract import Error, function, view
from mock_rails.tempo.native.keychain.keys import Keys
from mock_rails.tempo.native.keychain.sets import Sets
from mock_rails.tempo.native.storage import BOOL, Mapping
from mock_rails.tempo.tx.key_authorization import CallScope, SelectorRule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mock_rails.tempo.tx.model import Call

RawScope = tuple[bytes, tuple[tuple[bytes, tuple[bytes, ...]], ...]]
"""A scope as the ABI carries it: the target, and selectors with their recipients."""

_RECIPIENT_SELECTORS: Final = frozenset(
    {
        bytes.fromhex("a9059cbb"),  # transfer(address,uint256)
        bytes.fromhex("095ea7b3"),  # approve(address,uint256)
        bytes.fromhex("95777d59"),  # transferWithMemo(address,uint256,bytes32)
    }
)
"""The token functions whose first argument may be bound: who is paid, or may take."""

_COLD_ACCOUNT: Final = 2_600
_CALL_SCOPE = "(address target, (bytes4 selector, address[] recipients)[] selectorRules)"


def to_scope(raw: RawScope) -> CallScope:
    """A scope from its ABI form."""
    target, rules = raw
    return CallScope(target, tuple(SelectorRule(*rule) for rule in rules))


class Scopes(Keys):
    """The call scopes of keys. A key is unrestricted, or it may call what is listed and no more.

    A target without selectors allows all its functions, a selector without recipients any.
    """

    scoped = Mapping(3, BOOL, credit=False)
    """account, key id -> whether the key is restricted."""

    targets = Sets(4, size=20)
    """account, key id -> contracts."""
    selectors = Sets(7, size=4)
    """account, key id, target -> functions."""
    recipients = Sets(10, size=20)
    """account, key id, target, selector -> first arguments."""

    CallNotAllowed = Error("CallNotAllowed()")
    InvalidCallScope = Error("InvalidCallScope()")

    # -- checking ---------------------------------------------------------------------------------

    def check_scopes(self, account: bytes, key_id: bytes, calls: Iterable[Call]) -> None:
        """Raise `CallNotAllowed` unless the key may make every one of the calls."""
        if not self.scoped[account, key_id]:
            return
        for call in calls:
            if not self._allows((account, key_id), call):
                raise self.CallNotAllowed()

    def _allows(self, key: tuple[bytes, bytes], call: Call) -> bool:
        target, data = call.to, call.data
        if target is None or target not in self.targets[key]:
            return False
        selectors = self.selectors[*key, target]
        if not selectors:
            return True
        selector = data[:4]
        if len(selector) < 4 or selector not in selectors:
            return False
        recipients = self.recipients[*key, target, selector]
        if not recipients:
            return True
        word = data[4:36]
        return len(word) == 32 and not any(word[:12]) and word[12:] in recipients

    # -- changing ---------------------------------------------------------------------------------

    def grant_scopes(self, account: bytes, key_id: bytes, scopes: tuple[CallScope, ...]) -> None:
        """Restrict a key to these calls, beside those of other targets that it has already."""
        targets = [scope.target for scope in scopes]
        if len(set(targets)) != len(targets):
            raise self.InvalidCallScope()
        for scope in scopes:
            self._require_scope(scope)
        self.scoped[account, key_id] = True
        for scope in scopes:
            self._drop_rules(account, key_id, scope.target)
            self.targets[account, key_id].add(scope.target)
            for rule in scope.rules:
                self.selectors[account, key_id, scope.target].add(rule.selector)
                recipients = self.recipients[account, key_id, scope.target, rule.selector]
                for recipient in rule.recipients:
                    recipients.add(recipient)

    @function(f"setAllowedCalls(address keyId, {_CALL_SCOPE}[] scopes)")
    def set_allowed_calls(self, key_id: bytes, scopes: tuple[RawScope, ...]) -> None:
        """Replace the rules of the targets named, and restrict the key if it was not."""
        self.require_manager()
        self.active_key(self.sender, key_id)
        if not scopes:
            raise self.InvalidCallScope()
        self.grant_scopes(self.sender, key_id, tuple(map(to_scope, scopes)))

    @function("removeAllowedCalls(address keyId, address target)")
    def remove_allowed_calls(self, key_id: bytes, target: bytes) -> None:
        """Allow a target no longer; a key whose last target this was may call nothing."""
        self.require_manager()
        self.active_key(self.sender, key_id)
        key = (self.sender, key_id)
        if self.scoped[key] and self.targets[key].remove(target):
            self._drop_rules(self.sender, key_id, target)

    def _drop_rules(self, account: bytes, key_id: bytes, target: bytes) -> None:
        selectors = self.selectors[account, key_id, target]
        for selector in selectors:
            self.recipients[account, key_id, target, selector].clear()
        selectors.clear()

    def _require_scope(self, scope: CallScope) -> None:
        """No zero target, nothing twice, and recipients only where a token function has one."""
        selectors = {rule.selector for rule in scope.rules}
        if scope.target == ZERO_ADDRESS or len(selectors) != len(scope.rules):
            raise self.InvalidCallScope()
        for rule in scope.rules:
            if not rule.recipients:
                continue
            if rule.selector not in _RECIPIENT_SELECTORS or not self._is_token(scope.target):
                raise self.InvalidCallScope()
            recipients = set(rule.recipients)
            if ZERO_ADDRESS in recipients or len(recipients) != len(rule.recipients):
                raise self.InvalidCallScope()

    def _is_token(self, target: bytes) -> bool:
        """Whether a token was created at the address."""
        if not is_tip20(target):
            return False
        scope = self.frame.scope
        self.frame.meter.charge(_COLD_ACCOUNT if scope.touch(target) else gas.WARM_LOAD)
        return bool(scope.world.code(target))

    # -- reading ----------------------------------------------------------------------------------

    @view(
        "getAllowedCalls(address account, address keyId)"
        f" returns (bool isScoped, {_CALL_SCOPE}[] scopes)"
    )
    def allowed_calls(self, account: bytes, key_id: bytes) -> tuple[bool, tuple[RawScope, ...]]:
        """Whether a key is restricted, and to what; one that may not sign may call nothing."""
        if not self.is_active(account, key_id):
            return (True, ())
        if not self.scoped[account, key_id]:
            return (False, ())
        key = (account, key_id)
        return (True, tuple((target, self._rules(key, target)) for target in self.targets[key]))

    def _rules(
        self, key: tuple[bytes, bytes], target: bytes
    ) -> tuple[tuple[bytes, tuple[bytes, ...]], ...]:
        return tuple(
            (selector, tuple(self.recipients[*key, target, selector]))
            for selector in self.selectors[*key, target]
        )
