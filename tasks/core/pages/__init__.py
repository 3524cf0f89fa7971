"""The catalog as pages that people look at: a static site, there also while no database is."""
