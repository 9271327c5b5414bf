"""The ledger: what runs have cost, entry by entry, and every total as a fold over it."""
