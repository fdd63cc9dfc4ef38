"""Serve MLflow's page of this project's runs: ``python src/ui.py --help``."""

from mlplab.app.ui import main

if __name__ == "__main__":
    main()
