"""The way from the embedded database to a server's, as docs/growing.md has it."""
