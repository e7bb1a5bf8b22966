// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Ledger: who has what
/// @notice One internal ledger in the chain's native coin. Coins come in by `deposit` (or with a member's
/// registration), move between balances, escrows and bonds by the market's rules alone, and leave by `withdraw` alone.
/// Nobody, the deployer included, can pause, upgrade or take anything: the market has no owner.
///
/// All amounts, here and in every chapter, are in wei.
interface ILedger {
    /// @notice `amount` came in to the balance of `account`.
    event Deposited(address indexed account, uint256 amount);

    /// @notice `account` took `amount` out.
    event Withdrawn(address indexed account, uint256 amount);

    /// @notice The free balance of `account` is too small for what it wants to lock or withdraw.
    error Ledger_InsufficientBalance(address account, uint256 needed, uint256 balance);

    /// @notice The market would hold more than it can account for: 2^96 - 1 wei, 79 billion coins.
    error Ledger_Full(uint256 holdings, uint256 limit);

    /// @notice Adds the coins sent to the caller's balance. Anyone may call, member or not.
    /// @dev Emits {Deposited}.
    function deposit() external payable;

    /// @notice Sends `amount` of the caller's free balance to the caller.
    /// @dev Emits {Withdrawn}. The balance is lowered before the coins leave, so a caller that re-enters finds it
    /// lowered. A caller that is a contract and refuses the coins keeps its balance: the call reverts with
    /// OpenZeppelin's `FailedCall`.
    /// @param amount In wei; at most `balanceOf(caller)`.
    function withdraw(uint256 amount) external;

    /// @notice The free balance of `account`: neither escrow nor bond.
    function balanceOf(address account) external view returns (uint256 balance);
}
