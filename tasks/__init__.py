"""Reusable Prefect tasks: the verbs that flows are written with (see tasks.vocabulary)."""
