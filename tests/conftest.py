"""Fixtures that tests of several packages share."""

from postgresql import postgresql_server, postgresql_url

__all__ = ["postgresql_server", "postgresql_url"]
