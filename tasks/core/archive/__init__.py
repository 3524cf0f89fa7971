"""The archive: content-addressed originals and self-describing manifests, in one place and its
replicas.
"""
