"""The chain: the only folder that imports web3.

Reading: `deployment` where the market is, `node` one JSON-RPC request, `codec` the ABI in both directions,
`client` and `views` what the market is and was, `history` its events with a cursor, `mined` its transactions.
Writing: `wallet` who we are, `intents` what is wanted, `sender` from calls to transactions, `preparing` the
next one (`fees`, `setbacks` for gas, `purse` for coins), `delivery` each of them once (`broadcasts` what is
in no block, `strangers` what is not ours), `outbox` what was signed, `transactions` what the node knows of
it, `patience` how long to wait for what, `waiting` for commands. `database` keeps history and outbox.
"""
