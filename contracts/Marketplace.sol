// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {Settlement} from "./market/Settlement.sol";

/// @title The Holdfast market
/// @notice The one deployed contract. It has no owner and no settings. Its chapters, each building on the one before:
/// `market/Ledger`, `Members`, `Pool`, `Distribution`, `Couples`, `Training`, `Settlement`; its manual: `interfaces/`.
contract Marketplace is Settlement, Multicall {}
