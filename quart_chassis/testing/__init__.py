"""What the tests of any application need: a pytest plugin, and policies."""
