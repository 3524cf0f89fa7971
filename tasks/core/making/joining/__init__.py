"""Finished tables out of loaded ones: a country's SQL file, join reports, aggregation."""
