"""Serve a trained model to this machine: ``python src/serve.py --help``."""

from mlplab.app.serve import main

if __name__ == "__main__":
    main()
