"""What the catalog tells Prometheus, and the files by which a cluster watches geodata-flows."""
