"""Exporting: a published layer as a file, with all that a reader of it must know inside."""
