"""A pytest plugin and policies, for the tests of any application."""
