"""Watch a sweep while it runs: ``python src/watch.py --help``."""

from mlplab.app.watch import main

if __name__ == "__main__":
    main()
