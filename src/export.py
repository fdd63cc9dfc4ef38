"""Export a trained model as ONNX: ``python src/export.py --help``."""

from mlplab.app.export import main

if __name__ == "__main__":
    main()
