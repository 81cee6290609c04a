"""The pipeline as an application of the MONAI Deploy App SDK; it needs the extra `deploy`."""
