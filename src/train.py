"""Train one network, or with -m a sweep of them: ``python src/train.py --help``."""

from mlplab.app.train import main

# Hydra's completion in fish asks only a script that has this text in it: @hydra.main

if __name__ == "__main__":
    main()
