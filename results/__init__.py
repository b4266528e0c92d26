"""Findings that papers published, run again with the kit, on data inside packages."""
