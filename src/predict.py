"""Predict the rows of a file, or the pictures of a folder: ``python src/predict.py --help``."""

from mlplab.app.predict import main

if __name__ == "__main__":
    main()
