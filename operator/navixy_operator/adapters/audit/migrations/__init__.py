"""Alembic's directory: ``env.py`` and the steps of the schema in ``versions``. Run by ``..preparing`` alone."""
