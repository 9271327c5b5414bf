"""Seeds derived from seeds, so that every random number has one explicit origin."""

import hashlib


def derive_seed(seed: int, *path: int | str) -> int:
    """Return a seed in [0, 2**31) for one purpose, a function of the parent seed and the purpose's path alone.

    Args:
        seed: The parent, usually the run's seed.
        path: What the seed is for, for example `("trial", 17)`.
    """
    text = "\x1f".join(repr(part) for part in (seed, *path))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big") >> 1
