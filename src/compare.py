"""Compare runs that are in the store: ``python src/compare.py --help``."""

from mlplab.app.compare import main

if __name__ == "__main__":
    main()
