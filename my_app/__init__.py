"""Your application. `application.py` lists its features."""
