"""Names that only one feature may have. Standard library only."""

from quart_chassis.errors import UserError

# The owner of names that no feature claims.
CHASSIS = "quart_chassis"


class Claims:
    """The owner of each name: settings, routes, blueprints, commands, links."""

    def __init__(self) -> None:
        self._owners: dict[tuple[str, str], str] = {}

    def claim(self, kind: str, name: str, owner: str) -> None:
        """Claim the name; UserError names both owners if another one has it."""
        first = self._owners.setdefault((kind, name), owner)
        if first != owner:
            remedy = "rename one of them, or remove one of the two from FEATURES"
            if CHASSIS in {first, owner}:
                remedy = "rename the feature's"
            raise UserError(
                f"{first} and {owner} both have the {kind} {name}; {remedy}"
            )
