"""Promises of how current data are, held against the catalog."""
