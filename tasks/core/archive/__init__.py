"""Content-addressed originals and self-describing documents, in one place and its replicas."""
