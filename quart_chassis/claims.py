"""Names that only one feature may have. Standard library only."""

from quart_chassis.errors import UserError

# The owner of what no feature brings.
CHASSIS = "quart_chassis"


class Claims:
    """Who has which name: settings, routes, endpoints, commands, links."""

    def __init__(self) -> None:
        self._owners: dict[tuple[str, str], str] = {}

    def claim(self, kind: str, name: str, owner: str) -> None:
        """Take the name; UserError tells both owners if it is taken."""
        first = self._owners.setdefault((kind, name), owner)
        if first != owner:
            raise UserError(
                f"{first} and {owner} both have the {kind} {name}; rename one of them, "
                "or take one of the two out of FEATURES"
            )
