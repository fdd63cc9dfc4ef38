"""A team's server on this machine, PostgreSQL and MLflow: ``python src/server.py --help``."""

from mlplab.app.server import main

if __name__ == "__main__":
    main()
