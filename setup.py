"""Builds the C extension where there is a compiler; everything else is in pyproject.toml."""

import sys
import sysconfig
from glob import glob
from pathlib import Path
from shutil import which

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

# The stable ABI makes one wheel serve every CPython; PyPy and free-threaded builds have none.
STABLE_ABI = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")

FAILURE = "not_built.txt"  # pysock_raw.backends.load tells what is in it


class OptionalExtension(build_ext):
    """Without a working compiler the package still installs and runs on the Python fallback."""

    def build_extension(self, extension):
        extension.optional = True  # build_ext then reports a failed build and goes on
        built = Path(self.get_ext_fullpath(extension.name))
        self.failure = built.with_name(FAILURE)
        for older in (built, self.failure):
            older.unlink(missing_ok=True)
        try:
            super().build_extension(extension)
        except Exception:
            compiler = self.compiler.compiler_so[0]
            self.failure.parent.mkdir(parents=True, exist_ok=True)
            self.failure.write_text(f"{compiler} {'failed' if which(compiler) else 'is not there'}")
            raise

    def copy_extensions_to_source(self):
        """What an editable install has beside the sources."""
        super().copy_extensions_to_source()
        beside = Path(self.get_finalized_command("build_py").get_package_dir("pysock_raw.backends"), FAILURE)
        beside.unlink(missing_ok=True)
        if self.failure.exists():
            self.copy_file(str(self.failure), str(beside))

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
