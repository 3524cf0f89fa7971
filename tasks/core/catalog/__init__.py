"""Editions and their provenance: migrations, records, sealed layers, stable views."""
