"""The cluster of tests/test_kubernetes.py: a node on this machine, images, and a site on it."""
