"""The differential test: files of every format and dialect, read by the product and by independent
programs. A case ends in the same values in PostGIS, or in one of the product's own errors.
"""
