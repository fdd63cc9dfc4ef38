"""Copy a store to another one: ``python src/migrate.py --help``."""

from mlplab.app.migrate import main

if __name__ == "__main__":
    main()
