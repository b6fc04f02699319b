"""A Quart and PostgreSQL application: a page that counts its visits."""


class UserError(Exception):
    """Something the user can mend; its text is one line: what is wrong, what to do."""
