"""What goes wrong between an agent and its node: each fault by name, to be put before any node.

A fault wraps whoever answers requests, and has its own chance: so faults are put one before the other. In
`servers` are those of a load balancer, in `answers` and `http` those of a broken node or proxy, in
`transactions` those that concern what we send.

    forward = late_logs(chance=0.2, lag=1)(forward, Random(7))
    forward("eth_getLogs", [{"fromBlock": "0x1", "toBlock": "0x9"}])
"""

from __future__ import annotations

from testing.faults.seam import Fault, Forward, Reply, WireFaultError, before

__all__ = ["Fault", "Forward", "Reply", "WireFaultError", "before"]
