"""Plumbing shared by the verbs: declarations, handles, errors, settings, database, archive. Imports
no Prefect.
"""
