// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IMembers} from "../interfaces/IMembers.sol";
import {Ledger} from "./Ledger.sol";

/// @title Members
/// @notice Who takes part, with which role and which key.
abstract contract Members is Ledger {
    uint256 private constant ENCRYPTION_KEY_LENGTH = 64;

    /// @inheritdoc IMembers
    function createDO(bytes calldata encryptionKey) external payable {
        _register(Role.DataOwner, encryptionKey);
    }

    /// @inheritdoc IMembers
    function createCO(bytes calldata encryptionKey) external payable {
        _register(Role.CloudOwner, encryptionKey);
    }

    /// @inheritdoc IMembers
    function createMO(bytes calldata encryptionKey) external payable {
        _register(Role.ModelOwner, encryptionKey);
    }

    /// @inheritdoc IMembers
    function roleOf(address member) external view returns (Role role) {
        return _accounts[member].role;
    }

    function _register(Role role, bytes calldata encryptionKey) private {
        Account storage account = _accounts[msg.sender];
        if (account.role != Role.None) revert Members_AlreadyRegistered(msg.sender, account.role);
        if (encryptionKey.length != ENCRYPTION_KEY_LENGTH) revert Members_BadEncryptionKey(encryptionKey.length);
        account.role = role;
        emit MemberCreated(msg.sender, role, encryptionKey);
        if (msg.value != 0) _deposit(msg.sender);
    }

    function _requireRole(address member, Role required) internal view {
        Role role = _accounts[member].role;
        if (role != required) revert Members_WrongRole(member, role, required);
    }
}
