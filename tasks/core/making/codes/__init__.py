"""Codes of areas and classifications: the ledger of changes, places given whole or in parts, code
lists of publishers.
"""
