"""The chain: the only folder that imports web3.

Reading: `deployment` where the market is, `node` one JSON-RPC request, `codec` the ABI in both directions,
`client` and `views` what the market is and was, `history` its events with a cursor, `mined` its transactions.
Writing: `wallet` who we are, `sender` from calls to transactions, `delivery` each of them once, `outbox`
what was signed, `transactions` what the node knows of it. `database` keeps history and outbox. `fake` has all
of it in memory.
"""
