"""Asking publishers: addresses, HTTP, the judgement of what they send, and mirrors that stand in
for them.
"""
