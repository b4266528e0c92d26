"""Looks at losses from outside: check, explain, watch, plot. Loaded on first use."""
