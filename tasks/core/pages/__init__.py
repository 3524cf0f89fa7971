"""The static site: what the catalog knows, as pages for people and documents for machines."""
