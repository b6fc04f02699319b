"""Brings a project up to a newer version of the boilerplate, by one commit."""
