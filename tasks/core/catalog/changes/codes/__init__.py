"""Codes that came and went between two editions, and what explains them."""
