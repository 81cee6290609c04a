"""A DICOM node around inference: takes scans, keeps them safe, infers, sends results on."""
