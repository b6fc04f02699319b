"""The virtual environment of the checkout. Standard library only."""
