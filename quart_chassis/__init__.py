"""What a Quart and PostgreSQL application stands on; it knows none of their features.

Import from the folder that has the thing: `from quart_chassis.database import begin`.
This file hands out nothing, because `manage.py` reads it before anything is installed.
"""
