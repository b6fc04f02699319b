"""Every test has the fixtures of the chassis' plugins."""

pytest_plugins = [
    "quart_chassis.testing.plugin",
    "quart_chassis.testing.browser",
    "quart_chassis.testing.compose",
]
