// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {OpenMarket} from "assurance/proofs/OpenMarket.sol";
import {Svm, Vm} from "assurance/proofs/Vm.sol";

/// @title What all proofs build on
/// @notice halmos runs each function `check_...` with arguments that stand for all values at once, and shows that no
/// `assert` in it can fail. An assertion holds for every value that the assumptions before it let pass.
///
/// The market is deployed from its own artefact, so that it is the compiler's output for the market, made once, and no
/// part of the proofs' bytecode.
abstract contract Prover {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    Svm internal constant svm = Svm(address(uint160(uint256(keccak256("svm cheat code")))));

    /// @dev What the market lets itself hold: {ILedger-Ledger_Full}.
    uint256 internal constant MAX_HOLDINGS = type(uint96).max;
    uint256 internal constant NOW = 1_000_000;

    OpenMarket internal market;

    /// @dev A market of which every slot holds anything at all.
    function _deployAnyMarket() internal {
        _deployMarket();
        svm.enableSymbolicStorage(address(market));
    }

    /// @dev A market on which nothing has happened.
    function _deployMarket() internal {
        bytes memory code = vm.getCode("OpenMarket.sol:OpenMarket");
        address deployed;
        assembly ("memory-safe") {
            deployed := create(0, add(code, 32), mload(code))
        }
        market = OpenMarket(deployed);
        vm.warp(NOW);
    }

    /// @dev That the slots which this view reads hold what the compiler writes: no enum has a value without a name.
    function _assumeSound(bytes memory view_) internal view {
        (bool ok, ) = address(market).staticcall(view_);
        vm.assume(ok);
    }

    function _call(address caller, bytes memory data) internal returns (bool ok) {
        vm.prank(caller);
        (ok, ) = address(market).call(data);
    }
}
