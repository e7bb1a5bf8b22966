// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IMembers} from "../interfaces/IMembers.sol";
import {ILedger} from "../interfaces/ILedger.sol";
import {IMarketplace} from "../interfaces/IMarketplace.sol";

/// @title Ledger
/// @notice Balances, and all that the market keeps of a member: both are one word, so that a payment to a member never
/// touches a fresh slot.
abstract contract Ledger is IMarketplace {
    /// @dev The serials count what the member has created of each kind.
    struct Account {
        uint128 balance;
        IMembers.Role role;
        uint32 datasets;
        uint24 models;
        uint32 couples;
    }

    /// @dev As every amount is a part of what the market holds, none is ever too large for its field.
    uint256 private constant MAX_HOLDINGS = type(uint96).max;

    mapping(address => Account) internal _accounts;

    /// @inheritdoc ILedger
    function deposit() external payable {
        _deposit(msg.sender);
    }

    /// @inheritdoc ILedger
    function withdraw(uint256 amount) external {
        _lock(msg.sender, amount);
        emit Withdrawn(msg.sender, amount);
        Address.sendValue(payable(msg.sender), amount);
    }

    /// @inheritdoc ILedger
    function balanceOf(address account) external view returns (uint256 balance) {
        return _accounts[account].balance;
    }

    /// @dev Credits the coins that came with the call.
    function _deposit(address account) internal {
        if (address(this).balance > MAX_HOLDINGS) revert Ledger_Full(address(this).balance, MAX_HOLDINGS);
        _free(account, msg.value);
        emit Deposited(account, msg.value);
    }

    /// @dev Takes `amount` out of the free balance of `account`. Whoever calls says where it is now.
    function _lock(address account, uint256 amount) internal {
        uint256 balance = _accounts[account].balance;
        if (amount > balance) revert Ledger_InsufficientBalance(account, amount, balance);
        _accounts[account].balance = uint128(balance - amount);
    }

    /// @dev Adds to the free balance of `account` what was locked or just came in.
    function _free(address account, uint256 amount) internal {
        _accounts[account].balance += SafeCast.toUint128(amount);
    }
}
