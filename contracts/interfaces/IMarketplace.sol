// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ILedger} from "./ILedger.sol";
import {IMembers} from "./IMembers.sol";
import {IDistribution} from "./IDistribution.sol";
import {ITraining} from "./ITraining.sol";
import {ISettlement} from "./ISettlement.sol";

/// @title The Holdfast market: the manual
/// @notice Data owners, cloud owners and model owners train models together and none of them loses what it owns
/// (arXiv:2001.09011). Read the chapters in the order in which a dataset becomes a model: {IMembers}, {IDistribution},
/// {ITraining}, {ISettlement}; {ILedger} says where coins can be.
///
/// Many calls can be one transaction: `multicall(bytes[])` runs them in order as the caller, all or none. Payable calls
/// take no coins inside it.
interface IMarketplace is ILedger, IMembers, IDistribution, ITraining, ISettlement {
    /// @notice What every receipt of this market begins with: keccak256 of a type tag, the chain's id and this address.
    function receiptDomain() external view returns (bytes32 domain);
}
