"""Make a trained model a version of a registered one: ``python src/register.py --help``."""

from mlplab.app.register import main

if __name__ == "__main__":
    main()
