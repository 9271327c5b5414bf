"""Contract tests and toys, for this project and for authors of plug-ins."""
