// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IMembers} from "contracts/interfaces/IMembers.sol";
import {Prover} from "assurance/proofs/Prover.sol";

/// @title Proofs of the ledger: any state, any caller, any amount
/// @custom:solver integers
contract LedgerProofs is Prover {
    function setUp() external {
        _deployAnyMarket();
    }

    /// @notice A deposit adds the coins sent to the caller's balance and to what the market holds, and changes nobody
    /// else's. It is refused exactly if the market would hold more than 2^96 - 1 wei.
    /// @custom:bounds coins sent up to 2^128 - 1 wei
    function check_depositConserves(address caller, address other, uint256 held, uint256 amount) external {
        vm.assume(caller != address(market) && other != caller);
        vm.assume(held <= MAX_HOLDINGS && amount <= type(uint128).max);
        (uint256 mine, uint256 others) = _balances(caller, other, held);
        vm.deal(caller, amount);

        vm.prank(caller);
        (bool ok, ) = address(market).call{value: amount}(abi.encodeCall(market.deposit, ()));

        assert(ok == (held + amount <= MAX_HOLDINGS));
        if (!ok) amount = 0;
        assert(market.balanceOf(caller) == mine + amount);
        assert(market.balanceOf(other) == others);
        assert(address(market).balance == held + amount);
    }

    /// @notice A registration with coins adds them to the caller's balance and to what the market holds, as a deposit
    /// does, and changes nobody else's balance or role.
    /// @custom:bounds coins sent up to 2^128 - 1 wei; a key of 64 bytes
    function check_registrationConserves(address caller, address other, uint256 held, uint256 amount) external {
        vm.assume(caller != address(market) && other != caller);
        vm.assume(held <= MAX_HOLDINGS && amount <= type(uint128).max);
        (uint256 mine, uint256 others) = _balances(caller, other, held);
        _assumeSound(abi.encodeCall(market.accountOf, (caller)));
        _assumeSound(abi.encodeCall(market.accountOf, (other)));
        bool known = market.accountOf(caller).role != IMembers.Role.None;
        IMembers.Role role = market.accountOf(other).role;
        vm.deal(caller, amount);

        vm.prank(caller);
        (bool ok, ) = address(market).call{value: amount}(abi.encodeCall(market.createMO, (new bytes(64))));

        assert(ok == (!known && (amount == 0 || held + amount <= MAX_HOLDINGS)));
        if (!ok) amount = 0;
        else assert(market.accountOf(caller).role == IMembers.Role.ModelOwner);
        assert(market.balanceOf(caller) == mine + amount);
        assert(market.balanceOf(other) == others);
        assert(market.accountOf(other).role == role);
        assert(address(market).balance == held + amount);
    }

    /// @notice A withdrawal gives the caller the coins that it takes from the caller's balance, and changes nobody
    /// else's. It is refused exactly if the balance is too small.
    /// @custom:bounds the caller is no contract (one that is may refuse its coins, which undoes the call)
    function check_withdrawConserves(address caller, address other, uint256 held, uint256 amount) external {
        vm.assume(caller != address(market) && caller != address(this) && other != caller && held <= MAX_HOLDINGS);
        (uint256 mine, uint256 others) = _balances(caller, other, held);
        uint256 outside = caller.balance;
        vm.assume(outside <= MAX_HOLDINGS);

        bool ok = _call(caller, abi.encodeCall(market.withdraw, (amount)));

        assert(ok == (amount <= mine));
        if (!ok) amount = 0;
        assert(market.balanceOf(caller) == mine - amount);
        assert(market.balanceOf(other) == others);
        assert(address(market).balance == held - amount);
        assert(caller.balance == outside + amount);
    }

    /// @notice What is locked and freed again leaves every balance as it was; a lock is refused exactly if the balance
    /// is too small, and neither touches anybody else's.
    /// @custom:bounds none
    function check_lockAndFreeAreInverse(address account, address other, uint256 amount) external {
        vm.assume(other != account);
        uint256 mine = market.balanceOf(account);
        uint256 others = market.balanceOf(other);

        bool ok = _call(address(this), abi.encodeCall(market.lock, (account, amount)));
        assert(ok == (amount <= mine));
        if (!ok) return;
        assert(market.balanceOf(account) == mine - amount);
        assert(market.balanceOf(other) == others);

        ok = _call(address(this), abi.encodeCall(market.free, (account, amount)));
        assert(ok);
        assert(market.balanceOf(account) == mine);
        assert(market.balanceOf(other) == others);
    }

    /// @notice No part of what the market holds is too large for a balance: freeing it neither reverts nor wraps.
    /// @custom:bounds balances and amounts that are parts of what the market holds
    function check_freeingNeverWraps(address account, uint256 held, uint256 amount) external {
        uint256 mine = market.balanceOf(account);
        vm.assume(held <= MAX_HOLDINGS && mine <= held && amount <= held - mine);
        bool ok = _call(address(this), abi.encodeCall(market.free, (account, amount)));
        assert(ok && market.balanceOf(account) == mine + amount);
    }

    /// @dev Two balances that are parts of what the market holds.
    function _balances(address caller, address other, uint256 held) private returns (uint256 mine, uint256 others) {
        vm.deal(address(market), held);
        (mine, others) = (market.balanceOf(caller), market.balanceOf(other));
        vm.assume(mine <= held && others <= held - mine);
    }
}
