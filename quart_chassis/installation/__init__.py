"""The checkout's own environment. Standard library only."""
