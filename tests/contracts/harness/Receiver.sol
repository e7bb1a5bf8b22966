// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title A member that is a contract: it answers incoming coins as it was told, with a refusal or with a call back.
contract Receiver {
    bool public refuses;
    bytes public retort;
    uint256 public retortValue;

    uint256 public receipts;
    bool public succeeded;
    bytes public answer;

    error NotWanted();

    /// @notice Incoming coins are refused from now on.
    function refuse() external {
        refuses = true;
    }

    /// @notice Incoming coins are answered with this call of their sender from now on.
    function retortWith(bytes calldata data, uint256 value) external {
        (retort, retortValue) = (data, value);
    }

    /// @notice Calls `target` as this contract.
    function call(address target, bytes calldata data) external payable {
        (bool ok, bytes memory result) = target.call{value: msg.value}(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(result, 32), mload(result))
            }
        }
    }

    /// @dev `succeeded` and `answer` are of the innermost retort: the last one that was made.
    receive() external payable {
        if (refuses) revert NotWanted();
        uint256 number = ++receipts;
        if (retort.length == 0) return;
        (bool ok, bytes memory result) = msg.sender.call{value: retortValue}(retort);
        if (receipts == number) (succeeded, answer) = (ok, result);
    }
}
