"""Results of a scan as DICOM objects of its study: SEG, SR, SC, PDF. Plain inputs, no torch."""
