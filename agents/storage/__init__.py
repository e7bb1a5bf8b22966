"""What an agent keeps on disk: the only folder of the package that writes files or opens SQLite.

`atomic` writes one file whole or not at all, `files` does so by path and in an agent's own folder. `database`
opens SQLite, and `journal` keeps the results of tasks in it. `faults` makes each fault of the disk one line.
"""
