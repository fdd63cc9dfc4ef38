"""Compare engines on one config: ``python src/parity.py --help``."""

from mlplab.app.parity import main

if __name__ == "__main__":
    main()
