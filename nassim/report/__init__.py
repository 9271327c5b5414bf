"""Reports: a run's summary, read from the ledger alone, as text or as JSON. Loads neither torch nor ray."""
