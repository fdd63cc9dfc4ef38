"""Run a recorded run again, and certify how far it is the same: ``python src/rerun.py --help``."""

from mlplab.app.rerun import main

if __name__ == "__main__":
    main()
