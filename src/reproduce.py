"""Re-run published results: ``python src/reproduce.py --help``."""

from mlplab.app.reproduce import main

if __name__ == "__main__":
    main()
