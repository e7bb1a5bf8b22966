// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title What the prover does for a proof: Foundry's names, halmos's meaning
interface Vm {
    function assume(bool condition) external pure;
    function deal(address account, uint256 amount) external;
    function getCode(string calldata contractName) external view returns (bytes memory creationCode);
    function prank(address caller) external;
    function warp(uint256 timestamp) external;
}

interface Svm {
    function enableSymbolicStorage(address account) external;
}
