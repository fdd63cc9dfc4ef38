"""MLflow: where runs are kept (``store``), a run's life (``run``), what it is (``identity``), its ``model``."""
