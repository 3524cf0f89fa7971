"""The verbs of the vocabulary, one module a family."""
