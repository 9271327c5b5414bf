"""Fronts: the trials of searches that no other trial is better than, as their drivers posted them."""

import json
from collections.abc import Sequence

import pandas as pd

from nassim.ledger.finding import Finding


def of_findings(findings: Sequence[Finding], trials: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each trial on the front of its search; see `Ledger.front`.

    Args:
        findings: A run's.
        trials: Its trials, as `Ledger.trials` returns them.
    """
    first: dict[str, Finding] = {}
    for finding in findings:
        first.setdefault(finding.search, finding)
    picked = {(finding.search, finding.trial) for finding in findings}
    closing = {(row["search"], row["trial"]): row for row in trials.to_dict("records")}
    rows = []
    for search, finding in first.items():
        for number in finding.front:
            row = closing[search, number]
            values = json.loads(row["metrics"])
            about = {"search": search, "trial": number, "architecture": row["architecture"]}
            rows.append(about | {"found": (search, number) in picked} | values)
    names = dict.fromkeys(name for finding in first.values() for name in finding.objectives)
    table = pd.DataFrame(rows, columns=["search", "trial", "architecture", "found", *names])
    return table.astype({"trial": "Int64", "found": "bool", **dict.fromkeys(names, "float64")})
