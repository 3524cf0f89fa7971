"""Codes of areas: the ledger of changes, places given whole or in parts, publishers' code lists."""
