"""Geometry files streamed, shaped to one type and one CRS, and copied into the staging schema."""
