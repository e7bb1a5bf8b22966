"""From a file or a database to named columns of cells. What a cell means is decided in `data.meaning`.

The only folder that imports Arrow. `agents.learning.data.tables` imports it when a file is read, and not
before: agents that read none, and the process from which workers are forked, do not pay for it.
"""
