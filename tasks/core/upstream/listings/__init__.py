"""Listings of publishers, read in the standards they are written in."""
