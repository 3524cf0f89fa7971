"""Declarations, handles, errors and settings."""
