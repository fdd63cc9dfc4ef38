"""What pyproject.toml cannot say: conf/ lies at the top of the checkout, and in a wheel inside the package."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithConf(build_py):
    """Puts conf/ beside the code that reads it."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            packaged = Path(self.build_lib) / "mlplab" / "conf"
            shutil.rmtree(packaged, ignore_errors=True)  # of a former build
            shutil.copytree("conf", packaged)


setup(cmdclass={"build_py": BuildWithConf})
