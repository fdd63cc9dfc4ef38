"""Tests of the life of a run. A package, so that its conftest is not taken for the one above it."""
