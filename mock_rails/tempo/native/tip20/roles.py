"""Who may do what to a token: roles, each granted and revoked by the holders of its admin role.

Spec: facts 2.2 and 3. `hasRole` takes the account first, unlike OpenZeppelin's.
"""

from __future__ import annotations

from typing import Final

from mock_rails.tempo.abi import Event
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.native.contract import Error, NativeContract, function, view
from mock_rails.tempo.native.storage import BOOL, BYTES32, Mapping

DEFAULT_ADMIN_ROLE: Final = bytes(32)
"""The admin role of every role that was given no other one, itself included."""

PAUSE_ROLE: Final = keccak256(b"PAUSE_ROLE")
UNPAUSE_ROLE: Final = keccak256(b"UNPAUSE_ROLE")
ISSUER_ROLE: Final = keccak256(b"ISSUER_ROLE")
BURN_BLOCKED_ROLE: Final = keccak256(b"BURN_BLOCKED_ROLE")

UNGRANTABLE_ROLE: Final = b"\xff" * 32
"""Its own admin, and nobody has it: a role given this admin is frozen."""


class Roles(NativeContract):
    """Role membership."""

    roles = Mapping(0, BOOL)
    role_admins = Mapping(1, BYTES32)

    RoleMembershipUpdated = Event(
        "RoleMembershipUpdated(bytes32 indexed role, address indexed account,"
        " address indexed sender, bool hasRole)"
    )
    RoleAdminUpdated = Event(
        "RoleAdminUpdated(bytes32 indexed role, bytes32 indexed newAdminRole,"
        " address indexed sender)"
    )

    Unauthorized = Error("Unauthorized()")

    @view("PAUSE_ROLE() returns (bytes32)")
    def pause_role(self) -> bytes:
        """The role that may pause."""
        return PAUSE_ROLE

    @view("UNPAUSE_ROLE() returns (bytes32)")
    def unpause_role(self) -> bytes:
        """The role that may end a pause."""
        return UNPAUSE_ROLE

    @view("ISSUER_ROLE() returns (bytes32)")
    def issuer_role(self) -> bytes:
        """The role that may mint and burn."""
        return ISSUER_ROLE

    @view("BURN_BLOCKED_ROLE() returns (bytes32)")
    def burn_blocked_role(self) -> bytes:
        """The role that may burn what a blocked account holds."""
        return BURN_BLOCKED_ROLE

    @view("hasRole(address account, bytes32 role) returns (bool)")
    def has_role(self, account: bytes, role: bytes) -> bool:
        """Whether an account has a role."""
        return bool(self.roles[account, role])

    @view("getRoleAdmin(bytes32 role) returns (bytes32)")
    def role_admin(self, role: bytes) -> bytes:
        """The role whose holders grant and revoke this one."""
        return bytes(self.role_admins[role])

    @function("grantRole(bytes32 role, address account)")
    def grant_role(self, role: bytes, account: bytes) -> None:
        """Give a role; giving it again only logs again."""
        self.require_role(self.role_admin(role))
        self.set_role(account, role, True)

    @function("revokeRole(bytes32 role, address account)")
    def revoke_role(self, role: bytes, account: bytes) -> None:
        """Take a role away."""
        self.require_role(self.role_admin(role))
        self.set_role(account, role, False)

    @function("renounceRole(bytes32 role)")
    def renounce_role(self, role: bytes) -> None:
        """Give up a role the caller has."""
        self.require_role(role)
        self.set_role(self.sender, role, False)

    @function("setRoleAdmin(bytes32 role, bytes32 adminRole)")
    def set_role_admin(self, role: bytes, admin_role: bytes) -> None:
        """Hand the granting of a role to the holders of another one."""
        self.require_role(self.role_admin(role))
        self.role_admins[role] = admin_role
        self.emit(self.RoleAdminUpdated, role, admin_role, self.sender)

    def require_role(self, role: bytes) -> None:
        """The caller has the role, or `Unauthorized`."""
        if not self.roles[self.sender, role]:
            raise self.Unauthorized()

    def set_role(self, account: bytes, role: bytes, held: bool) -> None:
        """Write a membership and log it."""
        self.roles[account, role] = held
        self.emit(self.RoleMembershipUpdated, role, account, self.sender, held)
