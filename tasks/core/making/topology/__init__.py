"""Coverages of areas: measured, cleaned, verified, dissolved."""
