"""The offices: what each publishes, year by year, and the columns kept of its files."""
