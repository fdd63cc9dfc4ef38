"""Send to MLflow what it did not take when it was recorded: ``python src/sync.py --help``."""

from mlplab.app.sync import main

if __name__ == "__main__":
    main()
