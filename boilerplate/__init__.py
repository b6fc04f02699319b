"""What only the boilerplate has: it makes projects. None of it is in a made project."""
