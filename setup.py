"""Builds the C extension where there is a compiler; everything else is in pyproject.toml."""

import sys
import sysconfig

from setuptools import setup
from setuptools.command.build_ext import build_ext

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # setuptools before 70.1
    from wheel.bdist_wheel import bdist_wheel

# The stable ABI makes one wheel serve every CPython; PyPy and free-threaded builds have none.
STABLE_ABI = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")


class OptionalExtension(build_ext):
    """Without a working compiler the package still installs and runs on the Python fallback."""

    def run(self):
        for extension in self.extensions:
            extension.optional = True  # build_ext then reports a failed build and goes on
        super().run()


class Wheel(bdist_wheel):
    """Tag the wheel for what is in it: cp310-abi3 with the extension, py3-none-any without."""

    def run(self):
        self.run_command("build_ext")
        built = self.get_finalized_command("build_ext")
        if not any(map(built_file_exists, built.get_outputs())):
            self.distribution.ext_modules = []
            self.root_is_pure = True
        super().run()

    def get_tag(self):
        return ("py3", "none", "any") if self.root_is_pure else super().get_tag()


def built_file_exists(path):
    from pathlib import Path

    return Path(path).exists()


setup(
    cffi_modules=["csrc/build_ffi.py:builder"],
    cmdclass={"build_ext": OptionalExtension, "bdist_wheel": Wheel},
    options={"bdist_wheel": {"py_limited_api": "cp310"}} if STABLE_ABI else {},
)
