"""What pyproject.toml cannot say: the configurations lie outside the package, and travel in it."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages("bundle"), "bonescan.configs"],
    package_dir={"": "bundle", "bonescan.configs": "configs"},
    package_data={
        "bonescan": ["py.typed", "dicom/*.npz", "report/strings/*.yaml", "*/*/template/*"],
        "bonescan.configs": ["*.yaml", "*.json", "*.conf", "*/*.yaml"],
    },
)
