"""Shelves, on which editions stand for readers, and the readers a switch must wait for."""
