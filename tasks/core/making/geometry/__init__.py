"""Geometry files read in a stream, shaped to one type and one CRS, and copied into the staging
schema.
"""
