"""Builds the C extension where there is a compiler; everything else is in pyproject.toml."""

import sys
import sysconfig
from glob import glob
from pathlib import Path

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

# The stable ABI makes one wheel serve every CPython; PyPy and free-threaded builds have none.
STABLE_ABI = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")


class OptionalExtension(build_ext):
    """Without a working compiler the package still installs and runs on the Python fallback."""

    def build_extension(self, extension):
        extension.optional = True  # build_ext then reports a failed build and goes on
        Path(self.get_ext_fullpath(extension.name)).unlink(missing_ok=True)  # not an older one instead
        super().build_extension(extension)

    def get_source_files(self):
        """What a source archive holds beside the packages: setuptools finds only csrc/pysock_raw.c."""
        found = ("csrc/*.py", "csrc/**/*.[ch]", "tests/**/*.py", "CHANGELOG.md")
        return [file for pattern in found for file in glob(pattern, recursive=True)]


class Wheel(bdist_wheel):
    """Tagged for what is in it: cp310-abi3 with the extension, py3-none-any without."""

    def run(self):
        self.run_command("build_ext")
        if not any(Path(file).exists() for file in self.get_finalized_command("build_ext").get_outputs()):
            self.distribution.ext_modules = []
            self.root_is_pure = True
        super().run()


setup(
    cffi_modules=["csrc/build_ffi.py:builder"],
    cmdclass={"build_ext": OptionalExtension, "bdist_wheel": Wheel},
    options={"bdist_wheel": {"py_limited_api": "cp310"}} if STABLE_ABI else {},
)
