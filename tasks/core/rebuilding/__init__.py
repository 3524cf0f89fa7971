"""Editions made again from the archive, and held against their manifests."""
