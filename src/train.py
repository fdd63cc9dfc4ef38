"""Train one network, or with -m a sweep of them: ``python src/train.py --help``."""

from mlplab.app.train import main

if __name__ == "__main__":
    main()
