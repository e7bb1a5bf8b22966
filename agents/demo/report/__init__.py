"""The demo's report: ``report.json`` for programs and ``report.html`` for people.

All of it is derived from a `DemoOutcome`: faults, payments and verdicts are the read model's, from the events
alone. What a cheat was planted to do only says which proof to look for. The page tells nothing that the JSON
does not.
"""

from agents.demo.report.page import write_report
from agents.demo.report.summary import summary

__all__ = ["summary", "write_report"]
