"""The pages about what is published: static files, made from the catalog."""
