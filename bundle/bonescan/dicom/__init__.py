"""Scans as frozen objects, and the code that maps them to and from DICOM. No torch here."""
