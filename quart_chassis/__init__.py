"""The base of Quart and PostgreSQL applications; it names no application or feature.

Import from the folder that has a name: `from quart_chassis.database import begin`.
This file exports nothing, because `manage.py` reads it before anything is installed.
"""
