"""Command lines that nobody thought of: composed from the keys, their types and a list of odd values.

``make test-fuzz`` runs many; ``make test`` a few. Each must work, or end with one message that names what is wrong.
"""
