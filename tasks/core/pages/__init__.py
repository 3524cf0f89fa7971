"""The catalog as pages that people look at: a static site, also there while no database is."""
