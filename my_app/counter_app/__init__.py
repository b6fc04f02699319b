"""Counters: one feature, one folder. Copy its shape for your own."""
