"""What changed between two editions, and whether the later one may be shown unseen."""
